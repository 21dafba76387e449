package exitnode

import (
	"context"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// pingAgain is the pause between two pings that are not answered.
const pingAgain = 250 * time.Millisecond

// ping returns how long a ping through the tunnel takes, or false when none is answered before ctx ends.
func ping(ctx context.Context, tailnet Tailnet, peer *peers.Peer) (roundTrip time.Duration, ok bool) {
	// The first packets to a peer may be lost while it learns of this node, and a handshake is no round trip.
	tailnet.Await(ctx, peer)
	if peer.WireGuardOnly {
		return handshake(ctx, tailnet, peer)
	}
	answered := make(chan time.Duration, 1)
	there := make(chan struct{}, 1)
	send := func() {
		sent := time.Now()
		tailnet.Ping(peer, func() {
			select {
			case answered <- time.Since(sent):
			default:
			}
		})
	}
	again := time.NewTicker(pingAgain)
	defer again.Stop()
	send()
	for restarted := false; ; {
		select {
		case took := <-answered:
			return took, true
		case <-again.C:
			select {
			case <-there:
				// It is there, but does not understand what comes through the tunnel.
				if !restarted {
					restarted = true
					tailnet.Restart(peer)
				}
			default:
			}
			tailnet.Seek(peer, func() {
				select {
				case there <- struct{}{}:
				default:
				}
			})
			send()
		case <-ctx.Done():
			return 0, false
		}
	}
}

// handshakeAge is how old a handshake may be that is still good: WireGuard's Reject-After-Time.
const handshakeAge = 3 * time.Minute

// handshake is what there is of a proof for nodes that know no pings of Tailscale's, which are Mullvad's.
func handshake(ctx context.Context, tailnet Tailnet, peer *peers.Peer) (time.Duration, bool) {
	started := time.Now()
	tick := time.NewTicker(pingAgain / 10)
	defer tick.Stop()
	// Whatever is sent has WireGuard shake hands.
	tailnet.Ping(peer, func() {})
	for {
		if done := tailnet.Handshake(peer); !done.IsZero() && time.Since(done) < handshakeAge {
			return time.Since(started), true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, false
		}
	}
}
