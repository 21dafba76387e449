package node

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// A node that has just joined is in its peers' netmaps a moment later than they are in its own. A WireGuard
// handshake sent in between is dropped, and WireGuard sends the next one five seconds later: one first
// connection in fifteen took that long. A disco ping is dropped likewise, but can be sent again at once, and
// its answer proves that the peer knows this node. So the first packet to a peer waits for one.
const (
	firstRetry = 5 * time.Millisecond
	maxRetry   = 100 * time.Millisecond
	// probeLimit is how long a peer is asked. One that does not answer in that time is off, or will never
	// answer, and the connection is tried all the same.
	probeLimit = 3 * time.Second
	// warmLimit is how many peers are asked in advance when the node starts. In a tailnet of thousands the
	// others are asked when they are needed.
	warmLimit = 16
)

// paths knows which peers know this node.
type paths struct {
	ctx  context.Context
	send func(addr netip.Addr, answered func())

	mu    sync.Mutex
	known map[key.NodePublic]*path
}

// path is what is known of a peer as long as it is the same process: a restart changes its disco key.
type path struct {
	disco key.DiscoPublic
	done  chan struct{} // closed when the peer answered or probing ended
}

func newPaths(ctx context.Context, send func(netip.Addr, func())) *paths {
	return &paths{ctx: ctx, send: send, known: map[key.NodePublic]*path{}}
}

// await waits until peer has answered or need not be asked, at most until ctx ends or probeLimit.
func (p *paths) await(ctx context.Context, peer *peers.Peer) {
	path := p.probe(peer)
	if path == nil {
		return
	}
	select {
	case <-path.done:
	case <-ctx.Done():
	}
}

// probe starts asking unless that was done. It returns nil for peers that cannot be asked.
func (p *paths) probe(peer *peers.Peer) *path {
	if peer.WireGuardOnly || peer.Disco.IsZero() || len(peer.Addresses) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[peer.Key]; ok && known.disco == peer.Disco {
		return known
	}
	started := &path{disco: peer.Disco, done: make(chan struct{})}
	p.known[peer.Key] = started
	go p.run(peer, started)
	return started
}

func (p *paths) run(peer *peers.Peer, path *path) {
	answered := make(chan struct{})
	var once sync.Once
	limit := time.NewTimer(probeLimit)
	defer limit.Stop()
	for wait := firstRetry; ; wait = min(2*wait, maxRetry) {
		p.send(peer.Addresses[0], func() { once.Do(func() { close(answered) }) })
		select {
		case <-answered:
			close(path.done)
			return
		case <-time.After(wait):
		case <-limit.C:
			// Not proven: whoever waits goes on, the next connection asks again.
			p.forget(peer.Key, path)
			close(path.done)
			return
		case <-p.ctx.Done():
			close(path.done)
			return
		}
	}
}

func (p *paths) forget(k key.NodePublic, path *path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[k] == path {
		delete(p.known, k)
	}
}

// sendDisco sends one disco ping. answered may be called more than once, or never.
func (n *Node) sendDisco(addr netip.Addr, answered func()) {
	engine := n.engine.Load()
	if engine == nil || n.ctx.Err() != nil {
		return
	}
	(*engine).Ping(addr, tailcfg.PingDisco, 0, func(result *ipnstate.PingResult) {
		if result.Err == "" {
			answered()
		}
	})
}

// warmPaths asks the first few peers that are online, so that their first connection need not wait.
func (n *Node) warmPaths() {
	asked := 0
	for _, peer := range n.peers.All() {
		if peer.Online && asked < warmLimit {
			n.paths.probe(peer)
			asked++
		}
	}
}
