package exitnode

import (
	"context"
	"net/netip"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// Counters are the bytes of WireGuard's packets to and from a peer, its pings and keep-alives among them.
type Counters struct{ Received, Sent uint64 }

// Tailnet is the node as exit nodes need it.
type Tailnet interface {
	// Running is nil while the node is connected to its tailnet.
	Running() error
	Peers() *peers.Table
	// Domain has the names of the tailnet's nodes. It has no trailing dot.
	Domain() string
	// IsSelf reports whether this node has the name, address or id.
	IsSelf(text string) bool

	// Await waits until there is a tunnel with the peer, or for a bounded time.
	Await(ctx context.Context, peer *peers.Peer)
	// Ping sends one ping through the tunnel (TSMP).
	Ping(peer *peers.Peer, answered func())
	// Seek looks for a path to the peer (disco). An answer says that it is there, not that the tunnel works.
	Seek(peer *peers.Peer, answered func())
	// Restart has WireGuard begin anew with the peer: one that was started again knows nothing of the session before.
	Restart(peer *peers.Peer)
	// Handshake is when WireGuard's last handshake with the peer was completed.
	Handshake(peer *peers.Peer) time.Time
	// Counters are zero for a peer with which there was no traffic.
	Counters(peer *peers.Peer) Counters

	// Use makes a node the exit node; none when id is empty.
	Use(ctx context.Context, id tailcfg.StableNodeID, lanAccess bool) error
	// Used returns the exit node that Tailscale knows of, and whether it takes it for online.
	Used(ctx context.Context) (id tailcfg.StableNodeID, online bool, err error)
	// Carries reports whether the tailnet has a way to addr now.
	Carries(addr netip.Addr) bool
	// Suggest returns the exit node that Tailscale suggests, if it does.
	Suggest(ctx context.Context) (tailcfg.StableNodeID, error)
	// Flush waits until what was sent before has left the stack.
	Flush(ctx context.Context)
}
