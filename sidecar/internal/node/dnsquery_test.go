package node

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"tailscale.com/tailcfg"
	"tailscale.com/types/dnstype"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// patience is how long a test waits for what must come, far more than it takes.
const patience = time.Minute

func TestReachesResolversByTheTailnetsWays(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := lab.Start(ctx, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	n := New(Options{Hostname: "client", StateDir: t.TempDir() + "/state", ControlURL: l.ControlURL(), Ephemeral: true})
	t.Cleanup(n.Close)
	if got := n.DNSServers("example.org"); got != nil {
		t.Errorf("before the start there is %v", got)
	}
	if _, err := n.QueryDNS(ctx, nil); message.CodeOf(err) != message.NotConnected {
		t.Errorf("before the start: %v", err)
	}
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	hello, _ := l.Node(lab.HelloName)
	for _, network := range []string{"udp", "tcp"} {
		for _, addr := range hello.Addresses {
			conn, err := n.DialDNS(ctx, network, netip.AddrPortFrom(addr, 7))
			if err != nil {
				t.Fatal(err)
			}
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			if _, err := conn.Write([]byte("ping")); err != nil {
				t.Error(err)
			}
			answer := make([]byte, 4)
			if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "ping" {
				t.Errorf("%s to %v gave %q, %v", network, addr, answer, err)
			}
			stop()
			conn.Close()
		}
		if _, err := n.DialDNS(ctx, network, netip.MustParseAddrPort("100.64.9.9:53")); message.CodeOf(err) != message.NoRoute {
			t.Errorf("a resolver that nobody has: %v", err)
		}
	}
	// The lab's resolver is on loopback.
	servers := n.DNSServers(lab.Zone)
	if len(servers) != 1 || !servers[0].Addr().IsLoopback() {
		t.Fatalf("the resolvers are %v", servers)
	}
	conn, err := n.DialDNS(ctx, "udp", servers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	query := dnsmessage.Message{Questions: []dnsmessage.Question{{
		Name: dnsmessage.MustNewName(lab.Zone + "."), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET,
	}}}
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(packed); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	size, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	var answer dnsmessage.Message
	if err := answer.Unpack(buf[:size]); err != nil || len(answer.Answers) != 1 {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestKnowsWhoAnswers(t *testing.T) {
	resolvers := []*dnstype.Resolver{{Addr: "192.0.2.53"}}
	config := &tailcfg.DNSConfig{
		Proxied: true,
		Routes:  map[string][]*dnstype.Resolver{"Corp.example.": resolvers, "inner.example": nil},
		ExtraRecords: []tailcfg.DNSRecord{
			{Name: "DB.example.net.", Value: "192.0.2.1"}, {Name: "db.example.net", Value: "2001:db8::1", Type: "AAAA"},
			{Name: "txt.example.net", Value: "192.0.2.2", Type: "TXT"},
		},
	}
	settings := newDNSSettings(config, "x.ts.net")
	for name, want := range map[string][3]bool{ // owned, answered, by the node itself
		"x.ts.net":            {true, true, true},
		"web.x.ts.net":        {true, true, true},
		"a.corp.example":      {true, true, false},
		"a.inner.example":     {true, true, true},
		"db.example.net":      {true, true, true},
		"txt.example.net":     {true, true, true},
		"a.db.example.net":    {},
		"acorp.example":       {},
		"example":             {},
		"x.ts.net.example":    {},
		"corp.example.org":    {},
		"notinner.example":    {},
		"web.x.ts.net.nearby": {},
	} {
		if got := [3]bool{settings.Owns(name), settings.Answers(name), settings.AnswersItself(name)}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := settings.Records["db.example.net"]; !slices.Equal(got, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}) {
		t.Errorf("the record is %v", got)
	}
	if got := settings.Records["txt.example.net"]; len(got) > 0 {
		t.Errorf("a text became %v", got)
	}
	config.Proxied = false
	settings = newDNSSettings(config, "x.ts.net")
	if !settings.Owns("web.x.ts.net") || settings.Answers("web.x.ts.net") {
		t.Error("without MagicDNS its names are still the tailnet's, and nobody answers for them")
	}
	config.Routes["."] = resolvers
	if settings = newDNSSettings(config, "x.ts.net"); !settings.Everything || settings.Owns("example.org") {
		t.Errorf("a route for all gave %+v", settings)
	}
}
