package node

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// A node that has just joined is in its peers' netmaps a moment later than they are in its own. Until then a peer drops
// its WireGuard handshake, or answers it into nowhere because it knows no address of it yet, and WireGuard sends the
// next one five seconds later: one first connection in ten took that long. So the first connection to a peer waits
// until the peer has answered through the tunnel. Two pings are sent: a disco ping, which needs no handshake and is
// repeated quickly, tells when the peer knows this node; a TSMP ping makes and proves the tunnel. When the peer knows
// this node and a handshake does not come about in the time a round trip takes, WireGuard's peer is reset, and the
// next ping starts a new one at once.
const (
	// discoRetry and maxDiscoRetry are the pauses between disco pings: the first, doubled up to the last.
	discoRetry    = 5 * time.Millisecond
	maxDiscoRetry = 100 * time.Millisecond
	// handshakeWait is what a handshake may take beyond two round trips, half as much again with each reset. A peer
	// answers disco pings some milliseconds before it takes handshakes, so that the second may be lost, too.
	handshakeWait = 30 * time.Millisecond
	// floodPause has to be between two handshakes of one node (wireguard-go's HandshakeInitationRate).
	floodPause = 20 * time.Millisecond
	// probeLimit is how long a peer is asked. One that does not answer in that time is off, or will never answer, and
	// the connection is tried all the same.
	probeLimit = 3 * time.Second
	// shakenPause is between two looks whether a handshake was completed: WireGuard tells only Tailscale itself. Nobody
	// looks while a peer does not answer at all, as many may.
	shakenPause = 2 * time.Millisecond
	// sessionAge is how old a session may be with which something can be sent at once: WireGuard's Reject-After-Time, less
	// what a handshake takes.
	sessionAge = 175 * time.Second
	// warmLimit is how many peers are asked in advance when the node starts. In a tailnet of thousands the others are
	// asked when they are needed.
	warmLimit = 16
)

// tunnel is what paths needs of the engine.
type tunnel interface {
	// disco sends one disco ping; answered may be called more than once, or never.
	disco(addr netip.Addr, answered func(roundTrip time.Duration))
	// tsmp sends one ping through the tunnel.
	tsmp(addr netip.Addr, answered func())
	// handshake is when the last handshake with the peer was completed; zero when none was.
	handshake(peer key.NodePublic) time.Time
	// reset forgets the session and handshakes under way.
	reset(peer key.NodePublic)
}

// paths knows which peers have a tunnel with this node.
type paths struct {
	ctx    context.Context
	tunnel tunnel

	mu    sync.Mutex
	known map[key.NodePublic]*path
	// since is when this node got its key. Handshakes from before that are good for nothing.
	since time.Time
}

// path is what is known of a peer as long as it is the same process: a restart changes its disco key.
type path struct {
	disco key.DiscoPublic
	done  chan struct{} // closed when the peer answered or probing ended
}

func newPaths(ctx context.Context, t tunnel) *paths {
	return &paths{ctx: ctx, tunnel: t, known: map[key.NodePublic]*path{}}
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

// probe starts asking unless that was done and the tunnel is still there. It returns nil for peers that cannot be asked.
func (p *paths) probe(peer *peers.Peer) *path {
	if peer.WireGuardOnly || peer.Disco.IsZero() || len(peer.Addresses) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[peer.Key]; ok && known.disco == peer.Disco && (known.underWay() || p.hasSession(peer.Key)) {
		return known
	}
	started := &path{disco: peer.Disco, done: make(chan struct{})}
	p.known[peer.Key] = started
	since := p.since
	go func() {
		defer close(started.done)
		if !p.run(peer, since) {
			// Not proven: whoever waits goes on, the next connection asks again.
			p.forget(peer.Key, started)
		}
	}()
	return started
}

func (p *path) underWay() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// hasSession reports whether something can be sent to the peer without a handshake. Like WireGuard it goes by the wall
// clock: sessions run out while the host sleeps.
func (p *paths) hasSession(peer key.NodePublic) bool {
	return time.Now().Round(0).Sub(p.tunnel.handshake(peer)) < sessionAge
}

// run asks until the peer has answered through the tunnel.
func (p *paths) run(peer *peers.Peer, since time.Time) bool {
	addr := peer.Addresses[0]
	before := p.tunnel.handshake(peer.Key)
	shaken := func() bool { return p.tunnel.handshake(peer.Key).After(before) }
	knows := make(chan time.Duration, 1)
	// An answer that comes by a session which was reset meanwhile proves nothing: each session has a channel of its own.
	var through chan struct{}
	tsmp := func() {
		answers := make(chan struct{}, 1)
		through = answers
		p.tunnel.tsmp(addr, func() {
			select {
			case answers <- struct{}{}:
			default:
			}
		})
	}
	disco := func() {
		p.tunnel.disco(addr, func(roundTrip time.Duration) {
			select {
			case knows <- roundTrip:
			default:
			}
		})
	}
	started := time.Now()
	limit := time.NewTimer(probeLimit)
	defer limit.Stop()
	tsmp()
	disco()
	pause := discoRetry
	retry := time.NewTimer(pause)
	defer retry.Stop()
	look := time.NewTicker(shakenPause)
	look.Stop()
	defer look.Stop()
	known := false
	wait := handshakeWait
	for {
		select {
		case <-through:
			return true
		case <-look.C:
			if shaken() {
				return true
			}
		case roundTrip := <-knows:
			if !known {
				if known = true; shaken() {
					return true
				}
				look.Reset(shakenPause)
				wait += 2 * roundTrip
				asked := time.Since(started)
				if asked-roundTrip < discoRetry {
					retry.Reset(wait)
					continue
				}
				// It did not know this node when the first ping came, so the handshake is lost.
				retry.Reset(max(0, floodPause-asked))
			}
		case <-retry.C:
			if !known {
				disco()
				pause = min(2*pause, maxDiscoRetry)
				retry.Reset(pause)
				continue
			}
			// Both may have come at once. To reset what has just been made would have the next packet wait 5 s.
			if shaken() || len(through) > 0 {
				return true
			}
			p.tunnel.reset(peer.Key)
			tsmp()
			wait += wait / 2
			retry.Reset(wait)
		case <-limit.C:
			// A tunnel that carries no pings is one all the same.
			return p.hasSession(peer.Key) && p.tunnel.handshake(peer.Key).After(since)
		case <-p.ctx.Done():
			return false
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

// forgetAll has every peer asked anew: this node has another key, which they have yet to hear of.
func (p *paths) forgetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.known)
	p.since = time.Now()
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
