package resolve

import (
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestResolversOfTheTailnetAreAskedByItsWays(t *testing.T) {
	f := newFake(t)
	f.split = newHostServer(t)
	f.split.who = "split"
	f.split.add("git.corp.example", a("192.0.2.9"))
	f.split.edit = truncate
	f.split.upstream(t)
	f.settings.Records["extra.corp.example"] = addrs("192.0.2.8")
	d := &DNS{Resolver: f.resolver(t, "")}
	for _, tt := range []struct {
		name  string
		kind  dnsmessage.Type
		want  string
		asked []string
	}{
		// By UDP, and by TCP because it did not fit.
		{"git.corp.example", dnsmessage.TypeA, "Success; git.corp.example. 192.0.2.9", []string{"split git.corp.example A", "split git.corp.example A"}},
		// What the node answers by itself is nobody else's to know.
		{"extra.corp.example", dnsmessage.TypeTXT, "Success", []string{"tailnet extra.corp.example TXT"}},
		{"nobody.x.ts.net", dnsmessage.TypeA, "NameError", []string{"tailnet nobody.x.ts.net A"}},
		{"sub.shared.other.ts.net", dnsmessage.TypeA, "NameError", []string{"tailnet sub.shared.other.ts.net A"}},
	} {
		m := unpack(t, d.Answer(t.Context(), mustQuery(t, tt.name, tt.kind), MaxMessage))
		if got := text(m); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
		if asked := append(f.asked(), f.split.questions()...); !slices.Equal(asked, tt.asked) {
			t.Errorf("for %s asked %q", tt.name, asked)
		}
	}
}
