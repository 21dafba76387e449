package exitnode

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

const domain = "x.ts.net"

// fake is a tailnet of nodes that answer pings when they are alive.
type fake struct {
	table peers.Table

	mu   sync.Mutex
	byID map[tailcfg.StableNodeID]*fakeNode
	// used is what Tailscale's preferences have, in order.
	used []tailcfg.StableNodeID
	// suggested is Tailscale's suggestion.
	suggested tailcfg.StableNodeID
	down      error
	events    []string
}

type fakeNode struct {
	peer      *peers.Peer
	alive     bool
	away      time.Duration // its round trip
	stale     bool          // it has forgotten the tunnel
	unrouted  bool          // Tailscale does not route to it
	pings     int
	counters  Counters
	handshake time.Time
}

// newFake returns a tailnet of exit nodes that are alive.
func newFake(names ...string) *fake {
	f := &fake{byID: map[tailcfg.StableNodeID]*fakeNode{}}
	for i, name := range names {
		f.add(&peers.Peer{
			ID: tailcfg.NodeID(i + 1), StableID: tailcfg.StableNodeID("n-" + name), Name: name + "." + domain, Online: true, ExitNodeOption: true,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{100, 64, 0, byte(i + 1)})},
		})
	}
	return f
}

func (f *fake) add(peer *peers.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byID[peer.StableID] = &fakeNode{peer: peer, alive: true, away: 10 * time.Millisecond}
	f.table.Update([]*peers.Peer{peer}, nil)
}

// change changes what the netmap has of a node.
func (f *fake) change(name string, edit func(peer *peers.Peer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := f.byID[tailcfg.StableNodeID("n-"+name)]
	peer := *node.peer
	edit(&peer)
	node.peer = &peer
	f.table.Update([]*peers.Peer{&peer}, nil)
}

// with has edit change a node.
func (f *fake) with(name string, edit func(node *fakeNode)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f.byID[tailcfg.StableNodeID("n-"+name)])
}

func (f *fake) kill(name string)   { f.with(name, func(n *fakeNode) { n.alive = false }) }
func (f *fake) revive(name string) { f.with(name, func(n *fakeNode) { n.alive = true }) }

func (f *fake) pings(name string) (count int) {
	f.with(name, func(n *fakeNode) { count = n.pings })
	return count
}

func (f *fake) node(peer *peers.Peer) *fakeNode { return f.byID[peer.StableID] }

func (f *fake) Running() error       { return f.down }
func (f *fake) Peers() *peers.Table  { return &f.table }
func (f *fake) Domain() string       { return domain }
func (f *fake) IsSelf(s string) bool { return s == "self" }

func (f *fake) Await(context.Context, *peers.Peer) {}

func (f *fake) Ping(peer *peers.Peer, answered func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := f.node(peer)
	node.pings++
	node.counters.Sent++
	if node.alive && peer.WireGuardOnly {
		node.handshake = time.Now()
	}
	if !node.alive || node.stale || peer.WireGuardOnly {
		return
	}
	time.AfterFunc(node.away, func() {
		f.mu.Lock()
		node.counters.Received++
		f.mu.Unlock()
		answered()
	})
}

func (f *fake) Seek(peer *peers.Peer, answered func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if node := f.node(peer); node.alive {
		time.AfterFunc(node.away, answered)
	}
}

func (f *fake) Restart(peer *peers.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.node(peer).stale = false
}

func (f *fake) Handshake(peer *peers.Peer) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.node(peer).handshake
}

func (f *fake) Counters(peer *peers.Peer) Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.node(peer).counters
}

func (f *fake) Use(_ context.Context, id tailcfg.StableNodeID, _ bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = append(f.used, id)
	return nil
}

func (f *fake) inUse() tailcfg.StableNodeID {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.used) == 0 {
		return ""
	}
	return f.used[len(f.used)-1]
}

func (f *fake) Used(context.Context) (tailcfg.StableNodeID, bool, error) { return f.inUse(), true, nil }

func (f *fake) Carries(netip.Addr) bool {
	id := f.inUse()
	f.mu.Lock()
	defer f.mu.Unlock()
	return id != "" && !f.byID[id].unrouted
}

func (f *fake) Suggest(context.Context) (tailcfg.StableNodeID, error) { return f.suggested, nil }
func (f *fake) Flush(context.Context)                                 {}

// manage returns a manager, whose changes f.events has as "up berlin", "down berlin: it does not answer", "waits: it is offline" and "none".
func (f *fake) manage(t *testing.T) *Manager {
	m := New(f, func(state *State) {
		event := "none"
		switch {
		case state == nil:
		case state.Peer == nil:
			event = "waits: " + state.Reason
		case state.Up():
			event = "up " + hostOf(state.Peer)
		default:
			event = "down " + hostOf(state.Peer) + ": " + state.Reason
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = append(f.events, event)
	})
	t.Cleanup(m.Close)
	return m
}

func (f *fake) happened(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.events, want) {
		t.Errorf("it happened %q; want %q", f.events, want)
	}
	f.events = nil
}

func mustSet(t *testing.T, m *Manager, wanted ...string) *peers.Peer {
	t.Helper()
	peer, err := m.Set(t.Context(), wanted, false)
	if err != nil {
		t.Fatalf("setting %v: %v", wanted, err)
	}
	return peer
}

// use binds something to the exit node in force; what cut it comes on the channel.
func use(m *Manager) <-chan error {
	cut := make(chan error, 1)
	m.Current().Lease.Bind(func(cause error) { cut <- cause })
	return cut
}

func codeOf(t *testing.T, err error, code message.Code, says ...string) {
	t.Helper()
	if err == nil || message.CodeOf(err) != code {
		t.Errorf("got %v; want %s", err, code)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}
