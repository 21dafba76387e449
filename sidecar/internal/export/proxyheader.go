package export

import (
	"encoding/binary"
	"net/netip"
)

// signature begins a header of version 2 of the PROXY protocol, which
// https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt describes in section 2.2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

const (
	versionAndProxy = 0x21
	tcp4            = 0x11
	tcp6            = 0x21
)

// proxyHeader tells a program whence and whereto a connection of the tailnet is. The two have one family.
func proxyHeader(source, destination netip.AddrPort) []byte {
	kind := byte(tcp6)
	if source.Addr().Is4() {
		kind = tcp4
	}
	from, to := source.Addr().AsSlice(), destination.Addr().AsSlice()
	header := append([]byte(signature), versionAndProxy, kind)
	header = binary.BigEndian.AppendUint16(header, uint16(len(from)+len(to)+4))
	header = append(append(header, from...), to...)
	header = binary.BigEndian.AppendUint16(header, source.Port())
	return binary.BigEndian.AppendUint16(header, destination.Port())
}
