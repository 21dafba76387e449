package dialsocket

import (
	"encoding/binary"
	"net/netip"
	"syscall"
)

// UDP is what a run does with UDP.
type UDP uint8

const (
	UDPProxy  UDP = 0
	UDPBlock  UDP = 1
	UDPDirect UDP = 2
)

// Welcome is what the programs of a run are told of it.
type Welcome struct {
	OnlyTailnet bool
	// Asks: every flow is asked about.
	Asks bool
	UDP  UDP
}

// Status of an answer about names.
type Status uint8

const (
	Found     Status = 0
	NoName    Status = 1
	NoAddress Status = 2
	Again     Status = 3
)

// Addresses answers for a name.
type Addresses struct {
	Status Status
	// Canonical is empty when it is the name that was asked for.
	Canonical string
	Addresses []netip.Addr
}

// Names answers for an address.
type Names struct {
	Status Status
	Names  []string
}

// maxNames is how many names or addresses one answer has.
const maxNames = 255

func datagram(kind uint8, body []byte) []byte {
	d := make([]byte, headerSize, headerSize+len(body))
	d[0], d[1] = version, kind
	binary.LittleEndian.PutUint16(d[2:], uint16(headerSize+len(body)))
	return append(d, body...)
}

func (w Welcome) encode() []byte {
	var flags uint8
	if w.OnlyTailnet {
		flags |= 1
	}
	if w.Asks {
		flags |= 2
	}
	return datagram(typeWelcome, []byte{flags, uint8(w.UDP)})
}

func (a Addresses) encode() []byte {
	addresses := a.Addresses[:min(len(a.Addresses), maxNames)]
	body := []byte{uint8(a.Status), uint8(len(addresses))}
	body = appendName(body, a.Canonical)
	for _, addr := range addresses {
		body = appendAddress(body, netip.AddrPortFrom(addr, 0))
	}
	return datagram(typeAddresses, body)
}

func (n Names) encode() []byte {
	body := []byte{uint8(n.Status), 0}
	for _, name := range n.Names {
		// A longer name is none of DNS (RFC 1035, section 2.3.4), and the limit of all is that of an answer.
		if len(name) > 255 || body[1] == maxNames || headerSize+len(body)+1+len(name) > maxAnswer {
			continue
		}
		body = appendName(body, name)
		body[1]++
	}
	return datagram(typeNames, body)
}

func encodeAnswer(answer []byte) []byte { return datagram(typeAnswer, answer) }

func encodeFlowed(errno syscall.Errno, flow netip.AddrPort) []byte {
	body := binary.LittleEndian.AppendUint32(nil, uint32(errno))
	if errno != 0 {
		return datagram(typeFlowed, append(body, make([]byte, addressSize)...))
	}
	return datagram(typeFlowed, appendAddress(body, flow))
}

// encodeControlled is sent with a connection when errno is 0, else without.
func encodeControlled(errno syscall.Errno) []byte {
	return datagram(typeControlled, binary.LittleEndian.AppendUint32(nil, uint32(errno)))
}

func encodeHold() []byte { return datagram(typeHold, nil) }

func appendName(body []byte, name string) []byte {
	name = name[:min(len(name), 255)]
	return append(append(body, uint8(len(name))), name...)
}

func appendAddress(body []byte, address netip.AddrPort) []byte {
	var encoded [addressSize]byte
	addr := address.Addr().Unmap()
	encoded[0] = 6
	if addr.Is4() {
		encoded[0] = 4
	}
	binary.LittleEndian.PutUint16(encoded[2:], address.Port())
	copy(encoded[4:], addr.AsSlice())
	return append(body, encoded[:]...)
}
