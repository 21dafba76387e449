package exitnode

import (
	"context"
	"net/netip"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// usable returns why a peer can be no exit node now, by what the netmap says.
func usable(peer *peers.Peer) error {
	switch {
	case peer.ExitNodeOption && peer.Online:
		return nil
	case peer.ExitNodeOption:
		return message.Errorf(message.ExitNodeDown, "%s is offline", hostOf(peer))
	case peer.ExitNodeOffered:
		return message.Errorf(message.Denied,
			"%s offers itself as an exit node, but nobody has approved it; an admin of the tailnet has to", hostOf(peer))
	}
	return message.Errorf(message.Denied,
		"%s is not an exit node: it does not offer itself (tailscale set --advertise-exit-node), or nobody has approved it", hostOf(peer))
}

// Addresses that no tailnet has, of which an exit node has to carry both: those of RFC 5737 and RFC 3849. Nothing is sent there.
var outside = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}

const (
	// routeLimit is how long Tailscale may take to route to an exit node it was told of. It is a matter of milliseconds.
	routeLimit = 2 * time.Second
	routeLook  = 2 * time.Millisecond
)

// routed waits until Tailscale has the peer as its exit node and routes to it. It accepts an id of no node silently.
func routed(ctx context.Context, tailnet Tailnet, peer *peers.Peer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, routeLimit, message.Errorf(message.ExitNodeDown,
		"nothing was routed to %s within %v", hostOf(peer), routeLimit))
	defer cancel()
	for {
		id, online, err := tailnet.Used(ctx)
		if err == nil && id == peer.StableID && online && carriesAll(tailnet) {
			return nil
		}
		select {
		case <-time.After(routeLook):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func carriesAll(tailnet Tailnet) bool {
	for _, addr := range outside {
		if !tailnet.Carries(addr) {
			return false
		}
	}
	return true
}
