package resolve

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// Names looks up the names of an address.
func (r *Resolver) Names(ctx context.Context, address string) (Answer, error) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return Answer{}, message.Errorf(message.Protocol, "%.60q is not an address", address)
	}
	addr = addr.Unmap().WithZone("")
	if names := r.Hosts.Names(addr); len(names) > 0 {
		return Answer{Found: true, Names: names}, nil
	}
	if addr.IsLoopback() {
		return Answer{Found: true, Names: []string{"localhost"}}, nil
	}
	settings, err := r.Tailnet.DNS(ctx)
	if err != nil {
		return Answer{}, err
	}
	if names := r.namesOf(addr, settings); len(names) > 0 {
		return Answer{Found: true, Names: names}, nil
	}
	name := reverseName(addr)
	whom := r.authority(name, settings)
	if whom == nobody {
		return Answer{}, nil
	}
	found, err := r.ask(ctx, whom, name, dnsmessage.TypePTR, settings)
	return Answer{Found: found.exists, Names: found.names}, err
}

// The zones of reverse lookups: RFC 1035 section 3.5, RFC 3596 section 2.5.
const (
	reverseZone4 = "in-addr.arpa"
	reverseZone6 = "ip6.arpa"
)

// reverseName returns addr as a name to ask for.
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
		return name.String() + reverseZone4
	}
	return name.String() + reverseZone6
}

// reversePrefix returns the addresses that a reverse name is about: one, or a subnet's when it is a zone's. What is in
// front of the numbers, as service discovery has it, does not count.
func reversePrefix(name string) (netip.Prefix, bool) {
	if before, ok := strings.CutSuffix(name, "."+reverseZone4); ok {
		return prefixOf(before, 4, 8, 10)
	}
	if before, ok := strings.CutSuffix(name, "."+reverseZone6); ok {
		return prefixOf(before, 16, 4, 16)
	}
	return netip.Prefix{}, false
}

func prefixOf(labels string, size, bits, base int) (netip.Prefix, bool) {
	bytes := make([]byte, size)
	known := 0
	for _, label := range slices.Backward(strings.Split(labels, ".")) {
		value, err := strconv.ParseUint(label, base, bits)
		if err != nil || known == size*8 {
			break
		}
		bytes[known/8] |= byte(value) << (8 - bits - known%8)
		known += bits
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(addr, known), known > 0
}
