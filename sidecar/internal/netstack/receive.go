package netstack

import (
	"encoding/binary"

	"github.com/tailscale/wireguard-go/tun"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"tailscale.com/net/packet"
	"tailscale.com/wgengine/netstack/gro"
)

// plainTCP returns a packet of the stack for a TCP segment whose checksums are right, and whether ip is plain: IPv4
// without options and fragments or IPv6 without extension headers, which is what WireGuard brings. It is
// gro.RXChecksumOffload without a second copy of every packet; the rest is left to that.
func plainTCP(ip []byte) (pkt *stack.PacketBuffer, plain bool) {
	var protocol tcpip.NetworkProtocolNumber
	var source, destination []byte
	var headerLen int
	switch {
	case len(ip) >= header.IPv4MinimumSize+header.TCPMinimumSize && ip[0] == 0x45:
		h := header.IPv4(ip)
		if h.More() || h.FragmentOffset() != 0 || h.Protocol() != uint8(header.TCPProtocolNumber) || int(h.TotalLength()) != len(ip) {
			return nil, false
		}
		headerLen = header.IPv4MinimumSize
		if ^tun.Checksum(ip[:headerLen], 0) != 0 {
			return nil, true
		}
		protocol, source, destination = header.IPv4ProtocolNumber, ip[12:16], ip[16:20]
	case len(ip) >= header.IPv6MinimumSize+header.TCPMinimumSize && ip[0]>>4 == 6:
		if ip[6] != uint8(header.TCPProtocolNumber) || int(binary.BigEndian.Uint16(ip[4:])) != len(ip)-header.IPv6MinimumSize {
			return nil, false
		}
		headerLen = header.IPv6MinimumSize
		protocol, source, destination = header.IPv6ProtocolNumber, ip[8:24], ip[24:40]
	default:
		return nil, false
	}
	sum := tun.PseudoHeaderChecksum(uint8(header.TCPProtocolNumber), source, destination, uint16(len(ip)-headerLen))
	if ^tun.Checksum(ip[headerLen:], sum) != 0 {
		return nil, true
	}
	pkt = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(ip)})
	pkt.NetworkProtocolNumber = protocol
	pkt.RXChecksumValidated = true
	return pkt, true
}

// otherPacket is the rest: other protocols, fragments, extension headers.
func otherPacket(ip []byte) *stack.PacketBuffer {
	if isFragment6(ip) {
		return uncheckedPacket(ip, header.IPv6ProtocolNumber)
	}
	var parsed packet.Parsed
	parsed.Decode(ip)
	return gro.RXChecksumOffload(&parsed)
}
