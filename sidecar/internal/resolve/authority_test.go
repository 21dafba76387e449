package resolve

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// all types, known or not, that a program may ask for.
var allKinds = []dnsmessage.Type{
	dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypePTR, dnsmessage.TypeSRV, dnsmessage.TypeTXT, dnsmessage.TypeMX,
	dnsmessage.TypeCNAME, dnsmessage.TypeNS, dnsmessage.TypeSOA, dnsmessage.TypeALL, dnsmessage.TypeHINFO,
	43, 48, 64, 65, 257, 9824,
}

func TestNoNameOfTheTailnetReachesTheHostsResolver(t *testing.T) {
	names := []string{
		"web", "me", "x.ts.net", "web.x.ts.net", "WEB.X.TS.NET", "nobody.x.ts.net", "_http._tcp.web.x.ts.net", "_acme-challenge.web.x.ts.net",
		"corp.example", "git.corp.example", "extra.example.net", "shared.other.ts.net", "_ssh._tcp.shared.other.ts.net",
		// What resolver libraries make of them with search domains, the host's and the program's own.
		"web.x.ts.net.lan.example", "nobody.x.ts.net.lan.example", "web.x.ts.net.corp.example", "git.corp.example.lan.example",
		"extra.example.net.lan.example", "shared.other.ts.net.lan.example", "web.x.ts.net.elsewhere.example",
		// Addresses of the tailnet, whole and in part.
		"1.0.64.100.in-addr.arpa", "77.0.64.100.in-addr.arpa", "64.100.in-addr.arpa", "99.127.100.in-addr.arpa",
		"lb._dns-sd._udp.0.0.64.100.in-addr.arpa", "4.3.20.10.in-addr.arpa", "3.20.10.in-addr.arpa", "1.1.16.172.in-addr.arpa",
		"100.100.100.100.in-addr.arpa", reverseName(netip.MustParseAddr("fd7a:115c:a1e0::1")),
		reverseName(netip.MustParseAddr("fd7a:115c:a1e0:ffff::1234")), "0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa",
		// Nobody's.
		"localhost", "a.localhost", "a.invalid", "facebookcorewwwi.onion",
	}
	for _, magic := range []bool{true, false} {
		t.Run(fmt.Sprintf("MagicDNS_%v", magic), func(t *testing.T) {
			f := newFake(t)
			f.settings.MagicDNS = magic
			f.tailnet.minTTL = 30
			r := f.resolver(t, "")
			d := &DNS{Resolver: r}
			for _, name := range names {
				for _, kind := range allKinds {
					query := mustQuery(t, name, kind)
					if answer := d.Answer(t.Context(), query, MaxMessage); len(answer) < headerSize || rcodeOf(answer) == dnsmessage.RCodeServerFailure {
						t.Errorf("%s %v: the answer is %x", name, kind, answer)
					}
				}
				for _, spelling := range []string{name, name + ".", strings.ToUpper(name)} {
					if _, err := r.Addresses(t.Context(), spelling, true, true); err != nil {
						t.Errorf("%s: %v", spelling, err)
					}
				}
				if prefix, ok := reversePrefix(name); ok {
					if _, err := r.Names(t.Context(), prefix.Addr().String()); err != nil {
						t.Errorf("%v: %v", prefix, err)
					}
				}
				if asked := f.host.questions(); len(asked) > 0 {
					t.Errorf("for %s the host's resolver was asked %q", name, asked)
				}
			}
		})
	}
}

func TestALabelIsTheTailnetsFirst(t *testing.T) {
	f := newFake(t)
	d := &DNS{Resolver: f.resolver(t, "")}
	for _, kind := range allKinds {
		d.Answer(t.Context(), mustQuery(t, "web", kind), MaxMessage)
	}
	for _, asked := range f.host.questions() {
		t.Errorf("asked %s", asked)
	}
}

func TestNothingReachesTheHostsResolver(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(f *fake)
	}{
		{"with_an_exit_node", func(f *fake) { f.exit = route.ExitNode{Set: true, Up: true} }},
		{"with_an_exit_node_that_is_down", func(f *fake) { f.exit.Set = true }},
		{"in_the_lab", func(f *fake) { f.lab = true }},
		{"when_the_tailnet_resolves_everything", func(f *fake) { f.settings.Everything = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			tt.change(f)
			r := f.resolver(t, "")
			d := &DNS{Resolver: r}
			for _, name := range []string{"example.org", "printer", "a.b.c.example.org", "7.100.51.198.in-addr.arpa", "web.x.ts.net.lan.example"} {
				for _, kind := range allKinds {
					d.Answer(t.Context(), mustQuery(t, name, kind), MaxMessage)
				}
				_, _ = r.Addresses(t.Context(), name, true, true)
			}
			_, _ = r.Names(t.Context(), "198.51.100.7")
			if asked := f.host.questions(); len(asked) > 0 {
				t.Errorf("the host's resolver was asked %q", asked)
			}
		})
	}
}

func TestNamesThatOnlyLookLikeTheTailnetsAreTheHosts(t *testing.T) {
	f := newFake(t)
	f.settings.Routes = append(f.settings.Routes, "google.com", "corp")
	if hasInside("www.example.com.au", "example.com") {
		t.Error("a short domain was found in another")
	}
	r := f.resolver(t, "")
	for _, name := range []string{
		"example.org", "notx.ts.net", "x.ts.network", "www.google.com.au", "db.corp.lan.example", "other.ts.net",
		"100.in-addr.arpa", "1.0.128.100.in-addr.arpa", "1.0.0.10.in-addr.arpa", "in-addr.arpa", "arpa",
	} {
		if got := r.authority(name, f.settings); got != ofHost {
			t.Errorf("%s is of %v", name, got)
		}
	}
}

func TestReversePrefix(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"4.3.2.1.in-addr.arpa", "1.2.3.4/32"},
		{"2.1.in-addr.arpa", "1.2.0.0/16"},
		{"_x._udp.2.1.in-addr.arpa", "1.2.0.0/16"},
		{"5.4.3.2.1.in-addr.arpa", "1.2.3.4/32"},
		{"256.1.in-addr.arpa", "1.0.0.0/8"},
		{"8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::/32"},
		{"2.ip6.arpa", "2000::/4"},
	} {
		if got, ok := reversePrefix(tt.name); !ok || got.String() != tt.want {
			t.Errorf("%s: %v, %v", tt.name, got, ok)
		}
	}
	for _, name := range []string{"in-addr.arpa", "x.in-addr.arpa", "1.2.3.4", "g.ip6.arpa"} {
		if got, ok := reversePrefix(name); ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}
