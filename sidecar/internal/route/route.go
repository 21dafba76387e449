// Package route says which way an address is reached: through the tailnet, through the exit node, directly,
// or not at all. Nothing it says ever turns what was meant for the tailnet or an exit node into a direct connection.
package route

import (
	"net/netip"

	"tailscale.com/net/tsaddr"

	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// Policy is what a run allows.
type Policy struct {
	// OnlyTailnet refuses what is neither tailnet nor exit node.
	OnlyTailnet bool
	// Bypass is never proxied by the run itself; of what is proxied nonetheless it goes directly.
	Bypass []netip.Prefix
}

// ExitNode is the node that carries everything else.
type ExitNode struct {
	// Set: one is chosen, whether or not it is there.
	Set bool
	// Up: it is in force, online and still offers to be one.
	Up bool
	// Peer is nil unless Up.
	Peer *peers.Peer
	// Lease is what all that goes by it is bound to; nil unless Up.
	Lease *exitnode.Lease
	// LANAccess leaves the host's own network to the host.
	LANAccess bool
	// Reason is why it is not up, if that is known.
	Reason string
}

// Tailnet is what routing needs to know of the netmap.
type Tailnet interface {
	// IsSelf reports whether addr is one of this node's.
	IsSelf(addr netip.Addr) bool
	ByAddress(addr netip.Addr) (*peers.Peer, bool)
	BySubnet(addr netip.Addr) (*peers.Peer, bool)
	ExitNode() ExitNode
}

// Decision is the way an address is reached.
type Decision struct {
	Route message.Route
	// Peer is the node the tailnet hands it to; nil when direct, for this node itself and for Tailscale's
	// service address.
	Peer *peers.Peer
	// Lease is that of the exit node, for what goes by one.
	Lease *exitnode.Lease
}

// Decide returns the way to addr, or an error with the code of the refusal.
func Decide(addr netip.Addr, policy Policy, tailnet Tailnet) (Decision, error) {
	addr = addr.Unmap()
	if zone := addr.Zone(); zone != "" {
		return Decision{}, message.Errorf(message.Denied,
			"%v is an address of this host's link %s, which is not reached through the proxy; connect to it directly", addr, zone)
	}
	switch {
	case addr.IsLoopback():
		return Decision{}, message.Errorf(message.Denied,
			"%v is this host itself, which is not reached through the proxy; connect to it directly", addr)
	case addr.IsUnspecified():
		return Decision{}, message.Errorf(message.Denied, "%v is no destination; name the address to connect to", addr)
	case addr.IsMulticast(), addr == broadcast:
		return Decision{}, message.Errorf(message.Denied, "%v is not the address of one host, and TCP reaches only one", addr)
	}
	if tailnet.IsSelf(addr) || addr == tsaddr.TailscaleServiceIP() || addr == tsaddr.TailscaleServiceIPv6() {
		return Decision{Route: message.RouteTailnet}, nil
	}
	if peer, ok := tailnet.ByAddress(addr); ok {
		return Decision{Route: message.RouteTailnet, Peer: peer}, nil
	}
	// Before the routes of peers: a prefix of the host's own network may be inside one.
	if contains(policy.Bypass, addr) && !IsTailscale(addr) {
		return Decision{Route: message.RouteDirect}, nil
	}
	if peer, ok := tailnet.BySubnet(addr); ok {
		return Decision{Route: message.RouteTailnet, Peer: peer}, nil
	}
	if IsTailscale(addr) {
		return Decision{}, message.Errorf(message.NoRoute, "no node of the tailnet has the address %v", addr)
	}
	if exit := tailnet.ExitNode(); exit.Set && !(exit.LANAccess && isLocal(addr)) {
		if !exit.Up {
			return Decision{}, errDown(addr, exit.Reason)
		}
		return Decision{Route: message.RouteExit, Peer: exit.Peer, Lease: exit.Lease}, nil
	}
	if policy.OnlyTailnet {
		return Decision{}, message.Errorf(message.Denied, "%v is outside the tailnet, and only the tailnet is allowed", addr)
	}
	return Decision{Route: message.RouteDirect}, nil
}

func errDown(addr netip.Addr, reason string) error {
	if reason != "" {
		reason = " (" + reason + ")"
	}
	return message.Errorf(message.ExitNodeDown, "the exit node is down%s, and %v is only reached through it", reason, addr)
}

// isLocal reports whether addr is one of a network that the internet does not reach: RFC 1918, RFC 4193, RFC 3927 and link-local
// ones of IPv6.
func isLocal(addr netip.Addr) bool { return addr.IsPrivate() || addr.IsLinkLocalUnicast() }

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// IsTailscale reports whether addr is of the ranges tailnets use, 100.64.0.0/10 and fd7a:115c:a1e0::/48.
func IsTailscale(addr netip.Addr) bool {
	return cgnat.Contains(addr) || tsaddr.TailscaleULARange().Contains(addr)
}

// cgnat is all of 100.64.0.0/10. tsaddr.IsTailscaleIP leaves 100.115.92.0/23 out, but what is not known
// to be elsewhere must not leave by the host's network.
var cgnat = netip.MustParsePrefix("100.64.0.0/10")

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
