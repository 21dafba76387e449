package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// fake is a tailnet "x.ts.net" with the node web, DNS records and a host resolver; it keeps what it was asked.
type fake struct {
	self     node.Self
	peers    peers.Table
	settings node.DNSSettings
	exit     route.ExitNode
	lab      bool
	records  map[string][]dnsmessage.ResourceBody // by name and type: "db.x.ts.net A"
	rcode    dnsmessage.RCode
	fails    error

	mu    sync.Mutex
	asked []string
}

func newFake() *fake {
	f := &fake{
		self:     node.Self{Name: "me.x.ts.net", Addresses: addrs("100.64.0.9", "fd7a:115c:a1e0::9")},
		settings: node.DNSSettings{Search: []string{"x.ts.net", "corp.example"}, Routes: []string{"x.ts.net", "corp.example"}},
		records:  map[string][]dnsmessage.ResourceBody{},
		rcode:    dnsmessage.RCodeNameError,
	}
	f.peers.Replace([]*peers.Peer{{ID: 1, Name: "web.x.ts.net", Addresses: addrs("100.64.0.1", "fd7a:115c:a1e0::1")}})
	return f
}

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func (f *fake) Self() *node.Self                              { return &f.self }
func (f *fake) Peers() *peers.Table                           { return &f.peers }
func (f *fake) DNS(context.Context) (node.DNSSettings, error) { return f.settings, nil }
func (f *fake) ExitNode() route.ExitNode                      { return f.exit }
func (f *fake) InLab() bool                                   { return f.lab }
func (f *fake) note(who, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, who+" "+name)
}

func (f *fake) QueryDNS(_ context.Context, name, kind string) ([]byte, error) {
	f.note("tailnet", name+" "+kind)
	if f.fails != nil {
		return nil, f.fails
	}
	bodies, ok := f.records[name+" "+kind]
	rcode := f.rcode
	if ok {
		rcode = dnsmessage.RCodeSuccess
	}
	return answer(name, rcode, bodies), nil
}

func answer(name string, rcode dnsmessage.RCode, bodies []dnsmessage.ResourceBody) []byte {
	dnsName := dnsmessage.MustNewName(name + ".")
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{Response: true, RCode: rcode},
		Questions: []dnsmessage.Question{{Name: dnsName, Class: dnsmessage.ClassINET}},
	}
	for _, body := range bodies {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsName, Class: dnsmessage.ClassINET}, Body: body,
		})
	}
	packed, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return packed
}

func (f *fake) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	f.note("host", host)
	if host == "example.org" {
		return addrs("::ffff:198.51.100.7", "2001:db8::7"), nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (f *fake) LookupAddr(_ context.Context, addr string) ([]string, error) {
	f.note("host", addr)
	return []string{"Seven.Example.org."}, nil
}

func (f *fake) resolver(t *testing.T, hosts string) *Resolver {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Resolver{Tailnet: f, Hosts: NewHosts(path), Host: f}
}

func TestAddresses(t *testing.T) {
	a := func(text string) dnsmessage.ResourceBody {
		return &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()}
	}
	for _, tt := range []struct {
		name      string
		change    func(f *fake)
		query     string
		want      []netip.Addr
		canonical string
		asked     []string
	}{
		{name: "an address", query: "192.0.2.1", want: addrs("192.0.2.1")},
		{name: "a mapped address", query: "::ffff:192.0.2.1", want: addrs("192.0.2.1")},
		{name: "the hosts file first", query: "Pinned.x.ts.net.", want: addrs("192.0.2.5")},
		{name: "localhost of nobody", query: "localhost", want: addrs("127.0.0.1", "::1")},
		{name: "below localhost", query: "a.localhost", want: addrs("127.0.0.1", "::1")},
		{name: "a peer", query: "WEB.x.ts.net", want: addrs("100.64.0.1", "fd7a:115c:a1e0::1")},
		{name: "a peer by its label", query: "web", want: addrs("100.64.0.1", "fd7a:115c:a1e0::1"), canonical: "web.x.ts.net"},
		{name: "this node", query: "me", want: addrs("100.64.0.9", "fd7a:115c:a1e0::9"), canonical: "me.x.ts.net"},
		{
			name:   "a record of the tailnet",
			change: func(f *fake) { f.records["db.x.ts.net A"] = []dnsmessage.ResourceBody{a("192.0.2.9")} },
			query:  "db.x.ts.net", want: addrs("192.0.2.9"),
			asked: []string{"tailnet db.x.ts.net A", "tailnet db.x.ts.net AAAA"},
		},
		{
			name:   "the second search domain",
			change: func(f *fake) { f.records["git.corp.example A"] = []dnsmessage.ResourceBody{a("192.0.2.10")} },
			query:  "git", want: addrs("192.0.2.10"), canonical: "git.corp.example",
			asked: []string{"tailnet git.corp.example A", "tailnet git.corp.example AAAA", "tailnet git.x.ts.net A", "tailnet git.x.ts.net AAAA"},
		},
		{
			name: "an alias",
			change: func(f *fake) {
				f.records["www.corp.example A"] = []dnsmessage.ResourceBody{
					&dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("Real.corp.example.")}, a("192.0.2.11"),
				}
			},
			query: "www.corp.example", want: addrs("192.0.2.11"), canonical: "real.corp.example",
			asked: []string{"tailnet www.corp.example A", "tailnet www.corp.example AAAA"},
		},
		{
			name: "an unknown name of the tailnet stays in it", query: "nobody.x.ts.net",
			asked: []string{"tailnet nobody.x.ts.net A", "tailnet nobody.x.ts.net AAAA"},
		},
		{name: "outside", query: "example.org", want: addrs("198.51.100.7", "2001:db8::7"), asked: []string{"host example.org"}},
		{name: "nobody outside", query: "nobody.example.org", asked: []string{"host nobody.example.org"}},
		{
			name: "outside with an exit node, even one that is down", change: func(f *fake) { f.exit.Set = true }, query: "example.org",
			asked: []string{"tailnet example.org A", "tailnet example.org AAAA"},
		},
		{
			name: "outside in the lab", change: func(f *fake) { f.lab = true }, query: "example.org",
			asked: []string{"tailnet example.org A", "tailnet example.org AAAA"},
		},
		{
			name: "outside when the tailnet resolves everything", change: func(f *fake) { f.settings.Everything = true }, query: "example.org",
			asked: []string{"tailnet example.org A", "tailnet example.org AAAA"},
		},
		{name: "no name", query: "a..b"},
		{name: "a label too long", query: strings.Repeat("a", 64) + ".org"},
		{name: "a name too long", query: strings.Repeat("a.", 130) + "org"},
		{name: "white space", query: "a b.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			if tt.change != nil {
				tt.change(f)
			}
			got, err := f.resolver(t, "192.0.2.5 pinned.x.ts.net # comment\n").Addresses(t.Context(), tt.query, true, true)
			if err != nil || !slices.Equal(got.Addresses, tt.want) || got.Canonical != tt.canonical {
				t.Errorf("got %+v, %v", got, err)
			}
			slices.Sort(f.asked)
			if !slices.Equal(f.asked, tt.asked) {
				t.Errorf("asked %q", f.asked)
			}
		})
	}
}

func TestFamilies(t *testing.T) {
	r := newFake().resolver(t, "")
	for _, tt := range []struct {
		want4, want6 bool
		addresses    []netip.Addr
	}{
		{true, false, addrs("100.64.0.1")},
		{false, true, addrs("fd7a:115c:a1e0::1")},
	} {
		if got, err := r.Addresses(t.Context(), "web", tt.want4, tt.want6); err != nil || !slices.Equal(got.Addresses, tt.addresses) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestAFailureIsNotAnEmptyAnswer(t *testing.T) {
	broken := errors.New("broken")
	f := newFake()
	f.fails = broken
	if _, err := f.resolver(t, "").Addresses(t.Context(), "db.x.ts.net", true, true); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	f = newFake()
	f.rcode = dnsmessage.RCodeServerFailure
	if _, err := f.resolver(t, "").Addresses(t.Context(), "db.x.ts.net", true, true); message.CodeOf(err) != message.TimedOut {
		t.Errorf("got %v", err)
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
		{"nobody of the tailnet", "100.64.0.77", nil, []string{"tailnet 77.0.64.100.in-addr.arpa PTR"}},
		{"outside", "198.51.100.7", []string{"seven.example.org"}, []string{"host 198.51.100.7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			got, err := f.resolver(t, "192.0.2.5 Pinned.example second\n").Names(t.Context(), tt.address)
			if err != nil || !slices.Equal(got.Names, tt.want) {
				t.Errorf("got %+v, %v", got, err)
			}
			if !slices.Equal(f.asked, tt.asked) {
				t.Errorf("asked %q", f.asked)
			}
		})
	}
	if _, err := newFake().resolver(t, "").Names(t.Context(), "web"); message.CodeOf(err) != message.Protocol {
		t.Errorf("a name gave %v", err)
	}
}

func TestReverseName(t *testing.T) {
	const want = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	if got := reverseName(netip.MustParseAddr("2001:db8::1")); got != want {
		t.Errorf("got %s", got)
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(answer("a.b", dnsmessage.RCodeSuccess, []dnsmessage.ResourceBody{&dnsmessage.AResource{A: [4]byte{1, 2, 3, 4}}}))
	f.Add(answer("a.b", dnsmessage.RCodeNameError, nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, message []byte) {
		found, err := parseAnswer(message)
		if err != nil && (found.exists || len(found.addresses) > 0) {
			t.Errorf("an error came with %+v", found)
		}
	})
}

func FuzzParseHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost # me\n\n::1 a b\n")
	f.Fuzz(func(t *testing.T, text string) {
		byName, byAddr := parseHosts(strings.NewReader(text))
		for name, addrs := range byName {
			for _, addr := range addrs {
				if !slices.Contains(byAddr[addr], name) {
					t.Errorf("%q has %v but not the other way", name, addr)
				}
			}
		}
	})
}
