package netstack

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// isFragment6 reports whether ip is a fragment of IPv6. gro.RXChecksumOffload takes the first of them for the whole
// datagram and drops it, since the checksum is that of all. It lets IPv4's through unchecked; who sent what WireGuard
// brings is known anyhow, and that it is what was sent.
func isFragment6(ip []byte) bool {
	return len(ip) >= header.IPv6MinimumSize+header.IPv6FragmentHeaderSize && ip[0]>>4 == 6 &&
		ip[6] == uint8(header.IPv6FragmentHeader)
}

func uncheckedPacket(ip []byte, protocol tcpip.NetworkProtocolNumber) *stack.PacketBuffer {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(ip)})
	pkt.NetworkProtocolNumber = protocol
	pkt.RXChecksumValidated = true
	return pkt
}
