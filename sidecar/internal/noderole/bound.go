package noderole

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Address types of RFC 1928 section 5.
const (
	typeIPv4 = 1
	typeIPv6 = 4
)

// appendBound appends ATYP, BND.ADDR and BND.PORT to a copy of prefix.
func appendBound(prefix []byte, bound netip.AddrPort) []byte {
	reply := slices.Clip(prefix)
	addr := bound.Addr().Unmap()
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified()
	}
	if addr.Is4() {
		reply = append(reply, typeIPv4)
	} else {
		reply = append(reply, typeIPv6)
	}
	reply = append(reply, addr.AsSlice()...)
	return binary.BigEndian.AppendUint16(reply, bound.Port())
}
