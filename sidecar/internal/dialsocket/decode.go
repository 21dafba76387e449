package dialsocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

const (
	version = 1
	// maxMessage is the most a program may send at once, maxAnswer the most it is sent, in bytes.
	maxMessage  = 4_096
	maxAnswer   = 65_535
	headerSize  = 4
	addressSize = 20
)

// Types of messages.
const (
	typeHello     = 1
	typeWelcome   = 2
	typeDial      = 3
	typeCancel    = 4
	typeResolve   = 5
	typeAddresses = 6
	typeReverse   = 7
	typeNames     = 8
	typeQuery     = 9
	typeAnswer    = 10
	typeFlow      = 11
	typeFlowed    = 12
	typeHold      = 13
	typeControl   = 14
	// typeControlled brings a connection, unless it has an errno.
	typeControlled = 15
)

// Messages of programs.
type (
	helloMessage struct {
		pid     uint32
		welcome bool
		token   []byte
	}
	dialMessage    struct{ destination netip.AddrPort }
	cancelMessage  struct{ cookie uint64 }
	resolveMessage struct {
		want4, want6 bool
		name         string
	}
	reverseMessage struct{ address netip.Addr }
	queryMessage   struct{ query []byte }
	flowMessage    struct{ destination netip.AddrPort }
	controlMessage struct{}
)

// decodeHello reads what comes on a bootstrap.
func decodeHello(datagram []byte, descriptors int) (helloMessage, error) {
	kind, body, err := decodeHeader(datagram)
	if err != nil {
		return helloMessage{}, err
	}
	// Without a channel it only says whose the bootstrap is.
	if kind != typeHello || descriptors > 1 {
		return helloMessage{}, fmt.Errorf("message %d with %d descriptors on a bootstrap", kind, descriptors)
	}
	if len(body) < 5 {
		return helloMessage{}, errLength
	}
	hello := helloMessage{pid: binary.LittleEndian.Uint32(body), welcome: body[4] == 1}
	if body[4] > 1 {
		return helloMessage{}, fmt.Errorf("flags %#x", body[4])
	}
	if hello.welcome && descriptors == 0 {
		return helloMessage{}, errors.New("WELCOME is wanted and there is no channel for it")
	}
	hello.token, err = decodeName(body[5:])
	return hello, err
}

// decode reads what comes on a channel.
func decode(datagram []byte, descriptors int) (any, error) {
	kind, body, err := decodeHeader(datagram)
	if err != nil {
		return nil, err
	}
	if takes(kind) != descriptors {
		return nil, fmt.Errorf("message %d with %d descriptors on a channel", kind, descriptors)
	}
	switch kind {
	case typeDial:
		destination, err := decodeAddress(body)
		return dialMessage{destination}, err
	case typeCancel:
		if len(body) != 8 {
			return nil, errLength
		}
		return cancelMessage{binary.LittleEndian.Uint64(body)}, nil
	case typeResolve:
		return decodeResolve(body)
	case typeReverse:
		address, err := decodeAddress(body)
		if err == nil && address.Port() != 0 {
			err = errors.New("a port where there is none")
		}
		return reverseMessage{address.Addr()}, err
	case typeQuery:
		return queryMessage{bytes.Clone(body)}, nil
	case typeControl:
		if len(body) != 0 {
			return nil, errLength
		}
		return controlMessage{}, nil
	default:
		destination, err := decodeAddress(body)
		return flowMessage{destination}, err
	}
}

// takes returns how many descriptors a message on a channel has; -1 for one that does not belong there.
func takes(kind uint8) int {
	switch kind {
	case typeCancel:
		return 0
	case typeDial, typeResolve, typeReverse, typeQuery, typeControl:
		return 1
	case typeFlow:
		return 2
	}
	return -1
}

var errLength = errors.New("a message of another length than it has to be")

func decodeHeader(datagram []byte) (kind uint8, body []byte, err error) {
	if len(datagram) < headerSize || int(binary.LittleEndian.Uint16(datagram[2:])) != len(datagram) {
		return 0, nil, errLength
	}
	if datagram[0] != version {
		return 0, nil, fmt.Errorf("version %d; this is %d", datagram[0], version)
	}
	return datagram[1], datagram[headerSize:], nil
}

func decodeResolve(body []byte) (resolveMessage, error) {
	if len(body) < 1 {
		return resolveMessage{}, errLength
	}
	families := body[0]
	if families == 0 || families > 3 {
		return resolveMessage{}, fmt.Errorf("families %#x", families)
	}
	name, err := decodeName(body[1:])
	if err == nil && len(name) == 0 {
		err = errors.New("no name")
	}
	return resolveMessage{families&1 != 0, families&2 != 0, string(name)}, err
}

// decodeName reads a NAME that is all of bytes. It is the caller's to keep.
func decodeName(encoded []byte) ([]byte, error) {
	if len(encoded) < 1 || int(encoded[0]) != len(encoded)-1 {
		return nil, errLength
	}
	if bytes.IndexByte(encoded[1:], 0) >= 0 {
		return nil, errors.New("a NUL in a name")
	}
	return bytes.Clone(encoded[1:]), nil
}

// decodeAddress reads an ADDRESS that is all of bytes.
func decodeAddress(encoded []byte) (netip.AddrPort, error) {
	if len(encoded) != addressSize {
		return netip.AddrPort{}, errLength
	}
	port := binary.LittleEndian.Uint16(encoded[2:])
	var addr netip.Addr
	switch encoded[0] {
	case 4:
		addr = netip.AddrFrom4([4]byte(encoded[4:8]))
		if [12]byte(encoded[8:]) != [12]byte{} {
			return netip.AddrPort{}, errors.New("an IPv4 address of more than four bytes")
		}
	case 6:
		addr = netip.AddrFrom16([16]byte(encoded[4:]))
		if addr.Is4In6() {
			return netip.AddrPort{}, errors.New("an IPv4 address that is mapped into IPv6")
		}
	default:
		return netip.AddrPort{}, fmt.Errorf("address family %d", encoded[0])
	}
	if encoded[1] != 0 {
		return netip.AddrPort{}, fmt.Errorf("address with %#x behind its family", encoded[1])
	}
	return netip.AddrPortFrom(addr, port), nil
}
