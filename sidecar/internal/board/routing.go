package board

import (
	"net/netip"
	"slices"
)

// Routing is what decides which destinations are ours to carry.
type Routing struct {
	// Everything goes to the sidecar: an exit node is set.
	Everything bool
	Routes     []netip.Prefix
	// Resolvers are the host's. What goes to port 53 of one is answered by the sidecar.
	Resolvers []netip.Addr
	// MTU of the tailnet in bytes.
	MTU uint32
}

// Equal reports whether two routings say the same in the same order.
func (r Routing) Equal(other Routing) bool {
	return r.Everything == other.Everything && r.MTU == other.MTU &&
		slices.Equal(r.Routes, other.Routes) && slices.Equal(r.Resolvers, other.Resolvers)
}

// SetTarpits says where the tarpits are. One that is not valid is none.
func (b *Board) SetTarpits(v4, v6 netip.AddrPort) {
	if !b.open(&b.routing) {
		return
	}
	defer b.routing.Unlock()
	var flags, ports uint32
	b.store32(atFlags, 0)
	if v4.IsValid() {
		flags |= flagTarpit4
		ports |= uint32(v4.Port())
		address := v4.Addr().As4()
		b.storeBytes(atAddress4, address[:])
	}
	if v6.IsValid() {
		flags |= flagTarpit6
		ports |= uint32(v6.Port()) << 16
		address := v6.Addr().As16()
		b.storeBytes(atAddress6, address[:])
	}
	b.store32(atPorts, ports)
	b.store32(atFlags, flags)
}

// SetRouting replaces the routing. Routes beyond MaxRoutes make it everything, resolvers beyond MaxResolvers are
// left out.
func (b *Board) SetRouting(routing Routing) {
	if !b.open(&b.routing) {
		return
	}
	defer b.routing.Unlock()
	routes, resolvers := routing.Routes, routing.Resolvers
	everything := routing.Everything
	if len(routes) > MaxRoutes {
		routes, everything = nil, true
	}
	resolvers = resolvers[:min(len(resolvers), MaxResolvers)]
	var flags uint32
	if everything {
		flags = flagEverything
	}
	sequence := b.load32(atSequence)
	b.store32(atSequence, sequence+1)
	b.store32(atRouting, flags)
	b.store32(atRouteCount, uint32(len(routes)))
	b.store32(atResolvers, uint32(len(resolvers)))
	b.store32(atMTU, routing.MTU)
	for i, addr := range resolvers {
		b.storePrefix(resolversAt+i*prefixSize, familyOf(addr), 0, addr)
	}
	for i, prefix := range routes {
		b.storePrefix(routesAt+i*prefixSize, familyOf(prefix.Addr()), uint8(bitsOf(prefix)), prefix.Masked().Addr())
	}
	b.store32(atSequence, sequence+2)
}

func (b *Board) storePrefix(offset int, family, bits uint8, addr netip.Addr) {
	b.store32(offset, uint32(family)|uint32(bits)<<8)
	address := addressBytes(addr)
	b.storeBytes(offset+4, address[:])
}

// bitsOf returns a prefix's length; one of v4-mapped addresses is that of IPv4 ones.
func bitsOf(prefix netip.Prefix) int {
	if prefix.Addr().Is4In6() {
		return max(0, prefix.Bits()-96)
	}
	return prefix.Bits()
}
