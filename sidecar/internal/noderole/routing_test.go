package noderole

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

type fakeTailnet struct {
	known atomic.Bool
	exit  atomic.Bool
	peers peers.Table
}

func (f *fakeTailnet) Known() bool              { return f.known.Load() }
func (f *fakeTailnet) ExitNode() route.ExitNode { return route.ExitNode{Set: f.exit.Load()} }
func (f *fakeTailnet) Peers() *peers.Table      { return &f.peers }

func TestTheBoardFollowsTheTailnetAndTheHost(t *testing.T) {
	b, err := board.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	seen, err := dialtest.MapBoard(b.Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(seen) })
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("nameserver 192.0.2.1\n")
	var started atomic.Bool
	fake := new(fakeTailnet)
	r := newRouting(b, resolve.NewResolvConf(conf), func() tailnet {
		if !started.Load() {
			return nil
		}
		return fake
	})
	shows := func(what string, everything bool, resolver string, routes ...string) {
		t.Helper()
		want := []netip.Prefix{}
		for _, text := range routes {
			want = append(want, netip.MustParsePrefix(text))
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			first, _ := seen.Resolver()
			if seen.Everything() == everything && first == netip.MustParseAddr(resolver) && slices.Equal(seen.Routes(), want) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: everything %v, resolver %v, routes %v", what, seen.Everything(), first, seen.Routes())
			}
		}
	}
	shows("at once", true, "192.0.2.1")
	go r.follow(t.Context())

	started.Store(true)
	r.look()
	shows("without a netmap", true, "192.0.2.1")
	fake.known.Store(true)
	r.look()
	shows("with one", false, "192.0.2.1")
	fake.exit.Store(true)
	r.look()
	shows("an exit node", true, "192.0.2.1")
	fake.exit.Store(false)
	r.look()
	shows("none", false, "192.0.2.1")

	node := &tailcfg.Node{ID: 1, StableID: "one", Name: "router.example.ts.net.", AllowedIPs: []netip.Prefix{
		netip.MustParsePrefix("100.64.0.9/32"), netip.MustParsePrefix("198.51.100.0/24"),
	}, Addresses: []netip.Prefix{netip.MustParsePrefix("100.64.0.9/32")}}
	fake.peers.Update([]*peers.Peer{peers.FromNode(node, nil)}, nil)
	r.look()
	shows("a peer with a subnet", false, "192.0.2.1", "198.51.100.0/24")
	fake.peers.Update(nil, []tailcfg.NodeID{1})
	r.look()
	shows("the peer is gone", false, "192.0.2.1")

	// Nobody tells of a file: it is looked at now and then.
	write("nameserver 2001:db8::53\n")
	shows("another resolver", false, "2001:db8::53")
}
