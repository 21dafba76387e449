// Package peers is what a node knows about the other nodes of its tailnet: the peers of the netmap, found
// by id, name, address or subnet route.
package peers

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// Peer is one other node. It is never changed once it is in a [Table].
type Peer struct {
	ID       tailcfg.NodeID
	StableID tailcfg.StableNodeID
	// Name is fully qualified, in lower case and without a trailing dot.
	Name      string
	Addresses []netip.Addr
	// Routes are the subnets reached through this node, without those of an exit node.
	Routes []netip.Prefix
	Online bool
	User   string
	Tags   []string
	// ExitNodeOption: the node may be used as an exit node.
	ExitNodeOption bool
	OS             string
	// LastSeen is zero for one that is online, or never was.
	LastSeen time.Time
	// Expiry is when its key expires; zero for never.
	Expiry time.Time
	// expired: the control server says that its key has.
	expired bool
	// ExitNodeOffered: it offers itself as one, approved or not. Not every control server tells.
	ExitNodeOffered bool
	// Country and City are where it says it is, if it does.
	Country, City string
	Created       time.Time
	Key           key.NodePublic
	Disco         key.DiscoPublic
	// WireGuardOnly nodes (Mullvad's) know nothing of Tailscale's pings.
	WireGuardOnly bool
}

// FromNode returns node as the table keeps it. The user's name is looked up in users.
func FromNode(node *tailcfg.Node, users map[tailcfg.UserID]string) *Peer {
	p := &Peer{
		ID:            node.ID,
		StableID:      node.StableID,
		Name:          CanonicalName(node.Name),
		Online:        node.Online == nil || *node.Online,
		Tags:          node.Tags,
		Created:       node.Created,
		Key:           node.Key,
		Disco:         node.DiscoKey,
		WireGuardOnly: node.IsWireGuardOnly,
	}
	if node.Hostinfo.Valid() {
		p.OS = node.Hostinfo.OS()
	}
	if node.LastSeen != nil && !p.Online {
		p.LastSeen = *node.LastSeen
	}
	p.Expiry, p.expired = node.KeyExpiry, node.Expired
	if len(node.Tags) == 0 {
		p.User = users[node.User]
	}
	for _, prefix := range node.Addresses {
		p.Addresses = append(p.Addresses, prefix.Addr())
	}
	var exit4, exit6 bool
	for _, prefix := range node.AllowedIPs {
		switch {
		case prefix.Bits() == 0 && prefix.Addr().Is4():
			exit4 = true
		case prefix.Bits() == 0:
			exit6 = true
		case prefix.IsSingleIP() && slices.Contains(p.Addresses, prefix.Addr()):
		default:
			p.Routes = append(p.Routes, prefix.Masked())
		}
	}
	p.ExitNodeOption = exit4 && exit6
	if host := node.Hostinfo; host.Valid() {
		p.ExitNodeOffered = tsaddr.ContainsExitRoutes(host.RoutableIPs())
		if location := host.Location(); location.Valid() {
			p.Country, p.City = location.Country(), location.City()
		}
	}
	return p
}

// Expired reports whether the peer's key has expired.
func (p *Peer) Expired(now time.Time) bool {
	return p.expired || !p.Expiry.IsZero() && p.Expiry.Before(now)
}

// CanonicalName returns name in lower case and without a trailing dot.
func CanonicalName(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
