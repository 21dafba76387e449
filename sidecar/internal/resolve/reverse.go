package resolve

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// Names looks up the names of an address.
func (r *Resolver) Names(ctx context.Context, address string) (Answer, error) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return Answer{}, message.Errorf(message.Protocol, "%.60q is not an address", address)
	}
	addr = addr.Unmap().WithZone("")
	if names := r.Hosts.Names(addr); len(names) > 0 {
		return Answer{Names: names}, nil
	}
	if addr.IsLoopback() {
		return Answer{Names: []string{"localhost"}}, nil
	}
	if self := r.Tailnet.Self(); self != nil && slices.Contains(self.Addresses, addr) {
		return Answer{Names: []string{self.Name}}, nil
	}
	if peer, ok := r.Tailnet.Peers().ByAddress(addr); ok {
		return Answer{Names: []string{peer.Name}}, nil
	}
	settings, err := r.Tailnet.DNS(ctx)
	if err != nil {
		return Answer{}, err
	}
	name := reverseName(addr)
	_, routed := r.Tailnet.Peers().BySubnet(addr)
	ofTailnet := routed || route.IsTailscale(addr)
	if ofTailnet || !r.mayAskHost(name, settings) {
		found, err := r.query(ctx, name, "PTR")
		return Answer{Names: found.names}, err
	}
	names, err := r.Host.LookupAddr(ctx, addr.String())
	if err != nil {
		return Answer{}, hostError(err)
	}
	for i := range names {
		names[i] = peers.CanonicalName(names[i])
	}
	return Answer{Names: names}, nil
}

// reverseName returns addr as a name to ask for: RFC 1035 section 3.5, RFC 3596 section 2.5.
func reverseName(addr netip.Addr) string {
	var name strings.Builder
	bytes := addr.AsSlice()
	for _, b := range slices.Backward(bytes) {
		if addr.Is4() {
			name.WriteString(strconv.Itoa(int(b)))
			name.WriteByte('.')
			continue
		}
		const digits = "0123456789abcdef"
		name.Write([]byte{digits[b&15], '.', digits[b>>4], '.'})
	}
	if addr.Is4() {
		return name.String() + "in-addr.arpa"
	}
	return name.String() + "ip6.arpa"
}
