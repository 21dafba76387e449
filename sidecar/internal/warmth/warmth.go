// Package warmth keeps the WireGuard sessions with peers that were used a moment ago, so that the next connection to one
// of them takes one round trip: no handshake, and no packet on a path that a NAT has forgotten.
//
// A session ends 180 s after its handshake, unless something is sent after 120 s: then WireGuard shakes hands anew beside
// it. So all that a session needs is one ping in that minute. What the ping sets off in magicsock keeps the direct path
// alive, too: it pings the path every 3 s for 45 s, and leaves it in silence for the rest, which is less than the two
// minutes that a NAT has to remember (RFC 4787 section 4.3).
package warmth

import (
	"context"
	"sync"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

const (
	// Limit is how many peers are kept warm. Of more, those used last.
	Limit = 16
	// PeerFor is how long a peer is kept warm after its last use.
	PeerFor = 15 * time.Minute
	// IdleAfter is how long nothing at all may be used before every peer is left alone: nobody is at work, and a laptop
	// is to have its rest.
	IdleAfter = 5 * time.Minute

	// refreshAfter is the age of a handshake at which a ping makes the next one, whichever side began the last: after
	// Rekey-After-Time (120 s), and with time for several pings before Reject-After-Time.
	refreshAfter = 125 * time.Second
	// rejectAfter is WireGuard's Reject-After-Time. With a session that is older it takes a handshake to send anything.
	rejectAfter = 180 * time.Second
	// refreshAgain is the pause between two pings, when the first has set no handshake off.
	refreshAgain = 10 * time.Second
	// settleTime is how long a peer that was just used has for its first handshake before it is looked at.
	settleTime = 30 * time.Second
)

// Tunnel is the node as warmth needs it.
type Tunnel interface {
	// Peer returns what the netmap has now of a peer, if anything.
	Peer(id tailcfg.StableNodeID) (*peers.Peer, bool)
	// Handshake is when WireGuard's last handshake with the peer was completed; zero when none was.
	Handshake(peer *peers.Peer) time.Time
	// Ping sends one ping through the tunnel, to be answered through it.
	Ping(peer *peers.Peer)
}

// Keeper keeps peers warm until its context ends.
type Keeper struct {
	ctx    context.Context
	tunnel Tunnel

	mu sync.Mutex
	// used is when each of the peers was used last. It is empty exactly when nobody looks after it.
	used map[tailcfg.StableNodeID]time.Time
}

// New returns a keeper of nothing yet. It takes time of the processor only while there are peers to keep warm.
func New(ctx context.Context, tunnel Tunnel) *Keeper {
	return &Keeper{ctx: ctx, tunnel: tunnel, used: map[tailcfg.StableNodeID]time.Time{}}
}

// Use says that something begins or ends with the peer. It does not wait.
func (k *Keeper) Use(peer *peers.Peer) {
	// A WireGuard-only node answers no ping of Tailscale's. It has a keep-alive of its own where it needs one.
	if peer.WireGuardOnly || len(peer.Addresses) == 0 || k.ctx.Err() != nil {
		return
	}
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	begin := len(k.used) == 0
	if _, ok := k.used[peer.StableID]; !ok && len(k.used) >= Limit {
		k.dropOldestLocked()
	}
	k.used[peer.StableID] = now
	if begin {
		go k.keep()
	}
}

// Warm returns how many peers are kept warm.
func (k *Keeper) Warm() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.used)
}

func (k *Keeper) dropOldestLocked() {
	var oldest tailcfg.StableNodeID
	for id, at := range k.used {
		if oldest == "" || at.Before(k.used[oldest]) {
			oldest = id
		}
	}
	delete(k.used, oldest)
}

// keep looks after the peers until there are none. A peer that comes meanwhile needs nothing before settleTime.
func (k *Keeper) keep() {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-k.ctx.Done():
			return
		}
		again, ok := k.look(time.Now())
		if !ok {
			return
		}
		timer.Reset(min(again, settleTime))
	}
}

// look pings who needs it and returns when to look again; not at all when there is nobody left.
func (k *Keeper) look(now time.Time) (again time.Duration, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var last time.Time
	for _, at := range k.used {
		if at.After(last) {
			last = at
		}
	}
	if now.Sub(last) >= IdleAfter {
		clear(k.used)
		return 0, false
	}
	again = settleTime
	for id, at := range k.used {
		wait, keep := k.refresh(id, at, now)
		if !keep {
			delete(k.used, id)
			continue
		}
		again = min(again, wait)
	}
	return again, len(k.used) > 0
}

// refresh returns when to look at a peer again, or that it is not to be kept warm any more.
func (k *Keeper) refresh(id tailcfg.StableNodeID, used, now time.Time) (wait time.Duration, keep bool) {
	peer, ok := k.tunnel.Peer(id)
	if !ok || !peer.Online || now.Sub(used) >= PeerFor {
		return 0, false
	}
	// By the wall clock, as WireGuard has it: a host that has slept has sessions that have run out.
	age := now.Round(0).Sub(k.tunnel.Handshake(peer))
	switch {
	case age >= rejectAfter && now.Sub(used) < settleTime:
		return settleTime - now.Sub(used), true
	case age >= rejectAfter:
		// It has not answered, or the host has slept. The next connection shakes hands.
		return 0, false
	case age >= refreshAfter:
		k.tunnel.Ping(peer)
		return refreshAgain, true
	}
	return refreshAfter - age, true
}
