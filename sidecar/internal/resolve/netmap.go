package resolve

import (
	"net/netip"
	"slices"

	"tailscale.com/net/tsaddr"

	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// addressesOf finds the addresses that the netmap has for a name: those of a node, or of an extra record. Tailscale's
// resolver gives one of each family, and no IPv6 address of most nodes.
func (r *Resolver) addressesOf(name string, settings node.DNSSettings) ([]netip.Addr, bool) {
	if found := settings.Records[name]; len(found) > 0 {
		return found, true
	}
	if self := r.Tailnet.Self(); self != nil && self.Name == name {
		return self.Addresses, true
	}
	if peer, ok := r.Tailnet.Peers().ByName(name); ok {
		return peer.Addresses, true
	}
	return nil, false
}

// namesOf finds the names that the netmap has for an address.
func (r *Resolver) namesOf(addr netip.Addr, settings node.DNSSettings) []string {
	if self := r.Tailnet.Self(); self != nil && slices.Contains(self.Addresses, addr) {
		return []string{self.Name}
	}
	if peer, ok := r.Tailnet.Peers().ByAddress(addr); ok {
		return []string{peer.Name}
	}
	var names []string
	for name, found := range settings.Records {
		if slices.Contains(found, addr) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isOfTailnet reports whether all of prefix is the tailnet's, or the address of a node or in a subnet of one.
func (r *Resolver) isOfTailnet(prefix netip.Prefix) bool {
	addr := prefix.Addr()
	last := lastOf(prefix)
	if route.IsTailscale(addr) && route.IsTailscale(last) {
		return true
	}
	first, firstOK := r.Tailnet.Peers().BySubnet(addr)
	end, endOK := r.Tailnet.Peers().BySubnet(last)
	if firstOK && endOK && first == end {
		return true
	}
	return prefix.IsSingleIP() && r.isNode(addr)
}

func (r *Resolver) isNode(addr netip.Addr) bool {
	if addr == tsaddr.TailscaleServiceIP() || addr == tsaddr.TailscaleServiceIPv6() {
		return true
	}
	if self := r.Tailnet.Self(); self != nil && slices.Contains(self.Addresses, addr) {
		return true
	}
	_, ok := r.Tailnet.Peers().ByAddress(addr)
	return ok
}

func lastOf(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
