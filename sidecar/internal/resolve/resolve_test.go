package resolve

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

func TestAddresses(t *testing.T) {
	both := func(prefix, name string) []string {
		return []string{prefix + " " + name + " A", prefix + " " + name + " AAAA"}
	}
	for _, tt := range []struct {
		name      string
		change    func(f *fake)
		query     string
		want      []netip.Addr
		nameless  bool
		canonical string
		asked     []string
	}{
		{name: "an address", query: "192.0.2.1", want: addrs("192.0.2.1")},
		{name: "a mapped address", query: "::ffff:192.0.2.1", want: addrs("192.0.2.1")},
		{name: "the hosts file first", query: "Pinned.x.ts.net.", want: addrs("192.0.2.5")},
		{name: "localhost of nobody", query: "localhost", want: addrs("127.0.0.1", "::1")},
		{name: "below localhost", query: "a.localhost.", want: addrs("127.0.0.1", "::1")},
		{name: "a peer", query: "WEB.x.ts.net", want: addrs("100.64.0.1", "fd7a:115c:a1e0::1")},
		{name: "a peer of another tailnet", query: "shared.other.ts.net.", want: addrs("100.64.0.2")},
		{name: "a peer by its label", query: "web", want: addrs("100.64.0.1", "fd7a:115c:a1e0::1"), canonical: "web.x.ts.net"},
		{name: "a peer by its label and a dot", query: "web.", want: addrs("100.64.0.1", "fd7a:115c:a1e0::1"), canonical: "web.x.ts.net"},
		{name: "another label with a dot is complete", query: "com.", nameless: true, asked: both("host", "com")},
		{name: "this node", query: "me", want: addrs("100.64.0.9", "fd7a:115c:a1e0::9"), canonical: "me.x.ts.net"},
		{name: "all of an extra record", query: "extra.example.net", want: addrs("192.0.2.71", "192.0.2.72", "2001:db8::71")},
		{
			name:   "a record of the tailnet",
			change: func(f *fake) { f.tailnet.add("db.x.ts.net", a("192.0.2.9")) },
			query:  "db.x.ts.net", want: addrs("192.0.2.9"), asked: both("tailnet", "db.x.ts.net"),
		},
		{
			name:   "the second search domain",
			change: func(f *fake) { f.tailnet.add("git.corp.example", a("192.0.2.10")) },
			query:  "git", want: addrs("192.0.2.10"), canonical: "git.corp.example",
			asked: append(both("tailnet", "git.corp.example"), both("tailnet", "git.x.ts.net")...),
		},
		{
			name:   "more than a label in a search domain",
			change: func(f *fake) { f.tailnet.add("git.dev.corp.example", a("192.0.2.10")) },
			query:  "git.dev", want: addrs("192.0.2.10"), canonical: "git.dev.corp.example",
			asked: append(both("host", "git.dev"), append(both("tailnet", "git.dev.corp.example"), both("tailnet", "git.dev.x.ts.net")...)...),
		},
		{
			name:   "the host's search domain after the tailnet's",
			change: func(f *fake) { f.host.add("printer.lan.example", a("192.0.2.12")) },
			query:  "printer", want: addrs("192.0.2.12"), canonical: "printer.lan.example",
			asked: append(both("host", "printer.lan.example"), append(both("tailnet", "printer.corp.example"), both("tailnet", "printer.x.ts.net")...)...),
		},
		{
			name: "an alias",
			change: func(f *fake) {
				f.tailnet.add("www.corp.example", &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("Real.corp.example.")}, a("192.0.2.11"))
			},
			query: "www.corp.example", want: addrs("192.0.2.11"), canonical: "real.corp.example",
			asked: both("tailnet", "www.corp.example"),
		},
		{
			name: "an alias outside of a node",
			change: func(f *fake) {
				f.host.add("www.example.org", &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("web.x.ts.net.")})
			},
			query: "www.example.org", want: addrs("100.64.0.1", "fd7a:115c:a1e0::1"), canonical: "web.x.ts.net",
			asked: both("host", "www.example.org"),
		},
		{
			name: "an unknown name of the tailnet stays in it", query: "nobody.x.ts.net", nameless: true,
			asked: both("tailnet", "nobody.x.ts.net"),
		},
		{
			name: "outside", change: func(f *fake) { f.host.add("example.org", a("198.51.100.7"), aaaa("2001:db8::7")) },
			query: "example.org", want: addrs("198.51.100.7", "2001:db8::7"), asked: both("host", "example.org"),
		},
		{
			name: "a name without addresses", query: "txt.example.org",
			change: func(f *fake) { f.host.add("txt.example.org", &dnsmessage.TXTResource{TXT: []string{"x"}}) },
			asked:  both("host", "txt.example.org"),
		},
		{name: "nobody outside", query: "nobody.example.org.", nameless: true, asked: both("host", "nobody.example.org")},
		{
			name: "outside with an exit node", change: func(f *fake) { f.exit = route.ExitNode{Set: true, Up: true} },
			query: "example.org.", nameless: true, asked: both("tailnet", "example.org"),
		},
		{
			name: "outside in the lab", change: func(f *fake) { f.lab = true },
			query: "example.org.", nameless: true, asked: both("tailnet", "example.org"),
		},
		{
			name: "outside when the tailnet resolves everything", change: func(f *fake) { f.settings.Everything = true },
			query: "example.org.", nameless: true, asked: both("tailnet", "example.org"),
		},
		{
			name: "a name of the tailnet without MagicDNS is nobody's", change: func(f *fake) { f.settings.MagicDNS = false },
			query: "nobody.x.ts.net", nameless: true,
		},
		{name: "no name", query: "a..b", nameless: true},
		{name: "a label too long", query: strings.Repeat("a", 64) + ".org", nameless: true},
		{name: "a name too long", query: strings.Repeat("a.", 130) + "org", nameless: true},
		{name: "white space", query: "a b.org", nameless: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			if tt.change != nil {
				tt.change(f)
			}
			got, err := f.resolver(t, "192.0.2.5 pinned.x.ts.net # comment\n").Addresses(t.Context(), tt.query, true, true)
			if err != nil || !slices.Equal(got.Addresses, tt.want) || got.Canonical != tt.canonical || got.Found == tt.nameless {
				t.Errorf("got %+v, %v", got, err)
			}
			if asked := f.asked(); !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func TestNobodyIsAskedForNamesOutsideWhileTheExitNodeIsDown(t *testing.T) {
	f := newFake(t)
	f.exit.Set = true
	f.tailnet.add("git.corp.example", a("192.0.2.9"))
	r := f.resolver(t, "")
	if got, err := r.Addresses(t.Context(), "example.org.", true, true); message.CodeOf(err) != message.ExitNodeDown {
		t.Errorf("got %+v, %v", got, err)
	}
	if asked := f.asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
	// The tailnet's own names have nothing to do with it.
	for _, name := range []string{"git.corp.example", "web.x.ts.net"} {
		if got, err := r.Addresses(t.Context(), name, true, false); err != nil || len(got.Addresses) == 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestFamilies(t *testing.T) {
	f := newFake(t)
	f.host.add("four.example.org", a("198.51.100.7"))
	r := f.resolver(t, "")
	for _, tt := range []struct {
		name         string
		want4, want6 bool
		addresses    []netip.Addr
	}{
		{"web", true, false, addrs("100.64.0.1")},
		{"web", false, true, addrs("fd7a:115c:a1e0::1")},
		{"shared.other.ts.net", false, true, nil},
		{"four.example.org", true, false, addrs("198.51.100.7")},
		{"four.example.org", false, true, nil},
	} {
		got, err := r.Addresses(t.Context(), tt.name, tt.want4, tt.want6)
		if err != nil || !slices.Equal(got.Addresses, tt.addresses) || !got.Found {
			t.Errorf("%s: got %+v, %v", tt.name, got, err)
		}
	}
}

func TestAFailureIsNotAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	f := newFake(t)
	f.fails = broken
	if _, err := f.resolver(t, "").Addresses(t.Context(), "db.x.ts.net", true, true); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	f = newFake(t)
	f.tailnet.others = dnsmessage.RCodeServerFailure
	if _, err := f.resolver(t, "").Addresses(t.Context(), "db.x.ts.net", true, true); message.CodeOf(err) != message.TimedOut {
		t.Errorf("got %v", err)
	}
	f = newFake(t)
	f.host.edit = func(string, []byte) []byte { return nil }
	if _, err := f.resolver(t, "").Addresses(t.Context(), "example.org.", true, false); message.CodeOf(err) != message.TimedOut {
		t.Errorf("a host's resolver that is silent: %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		name    string
		address string
		want    []string
		asked   []string
	}{
		{"the hosts file first", "192.0.2.5", []string{"pinned.example", "second"}, nil},
		{"loopback", "127.0.0.1", []string{"localhost"}, nil},
		{"a peer", "100.64.0.1", []string{"web.x.ts.net"}, nil},
		{"this node", "fd7a:115c:a1e0::9", []string{"me.x.ts.net"}, nil},
		{"an extra record", "192.0.2.72", []string{"extra.example.net"}, nil},
		{"nobody of the tailnet", "100.64.0.77", nil, []string{"tailnet 77.0.64.100.in-addr.arpa PTR"}},
		{"a subnet of a node", "10.20.3.4", nil, []string{"tailnet 4.3.20.10.in-addr.arpa PTR"}},
		{"a zone that the tailnet answers for", "172.16.3.4", nil, []string{"tailnet 4.3.16.172.in-addr.arpa PTR"}},
		{"outside", "198.51.100.7", []string{"seven.example.org"}, []string{"host 7.100.51.198.in-addr.arpa PTR"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.host.add("7.100.51.198.in-addr.arpa", &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("Seven.Example.org.")})
			got, err := f.resolver(t, "192.0.2.5 Pinned.example second\n").Names(t.Context(), tt.address)
			if err != nil || !slices.Equal(got.Names, tt.want) || got.Found != (tt.want != nil) {
				t.Errorf("got %+v, %v", got, err)
			}
			if asked := f.asked(); !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q", asked)
			}
		})
	}
	if _, err := newFake(t).resolver(t, "").Names(t.Context(), "web"); message.CodeOf(err) != message.Protocol {
		t.Errorf("a name gave %v", err)
	}
}

func TestReverseName(t *testing.T) {
	const want = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	if got := reverseName(netip.MustParseAddr("2001:db8::1")); got != want {
		t.Errorf("got %s", got)
	}
}
