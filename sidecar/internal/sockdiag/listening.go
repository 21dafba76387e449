package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Listener is a listening TCP socket that is looked for, or one of UDP that is bound.
type Listener struct {
	// Datagrams is whether it is one of UDP.
	Datagrams bool
	// Address is what it is bound to; a v4-mapped one is of IPv6. It says where to look, no more: the cookie is no other
	// socket's, and a socket may be bound to something else than what its program was told.
	Address netip.AddrPort
	Cookie  uint64
}

// stateListen is TCP_LISTEN of the kernel's include/net/tcp_states.h.
const stateListen = 10

// Where struct inet_diag_msg has what is looked at, in bytes.
const (
	answeredCookie = 44
	answeredSize   = 72
)

// Listening says of each socket whether it listens. The kernel is asked for all that listen and not for each one: of sockets
// that share a port by SO_REUSEPORT it finds one by chance, and one that is bound to a device only by that.
func Listening(sockets []Listener) ([]bool, error) {
	listening := make([]bool, len(sockets))
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := lookFor(sockets, listening, family); err != nil {
			return nil, fmt.Errorf("looking for listening sockets: %w", err)
		}
	}
	return listening, nil
}

func lookFor(sockets []Listener, listening []bool, family uint8) error {
	// MPTCP is what programs in Go, and others that ask for it, listen by.
	for _, protocol := range []int{unix.IPPROTO_TCP, unix.IPPROTO_MPTCP, unix.IPPROTO_UDP} {
		var all cookies
		for i, socket := range sockets {
			if familyOf(socket) != family || socket.Datagrams != (protocol == unix.IPPROTO_UDP) || listening[i] {
				continue
			}
			if all == nil {
				var err error
				all, err = listeners(family, protocol, 0)
				if errors.Is(err, unix.ENOENT) {
					// This kernel lacks udp_diag. Nobody's export ends for that.
					listening[i], all = true, nil
					continue
				}
				if err != nil {
					return err
				}
			}
			listening[i] = all[socket.Cookie]
			if listening[i] {
				continue
			}
			// While it tells of many in parts, others come and go, and one may be left out. Those of one port fit into one.
			same, err := listeners(family, protocol, socket.Address.Port())
			if err != nil {
				return err
			}
			listening[i] = same[socket.Cookie]
		}
	}
	return nil
}

func familyOf(socket Listener) uint8 {
	if socket.Address.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

type cookies map[uint64]bool

// listeners returns the cookies of the listening sockets of a family and protocol, and all that are bound of UDP; of one port, unless
// that is 0. A kernel that knows nothing of MPTCP has none of it; ENOENT is one that cannot tell of UDP.
func listeners(family uint8, protocol int, port uint16) (cookies, error) {
	fd, err := open()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	request := newRequest(unix.NLM_F_REQUEST|unix.NLM_F_DUMP, family, protocol)
	body := request[unix.SizeofNlMsghdr:]
	states := uint32(1 << stateListen)
	if protocol == unix.IPPROTO_UDP {
		states = anyState
	}
	binary.NativeEndian.PutUint32(body[atStates:], states)
	binary.BigEndian.PutUint16(body[atSource:], port)
	part, err := ask(fd, request, manySize)
	found := cookies{}
	for ; err == nil; part, err = receive(fd, part[:cap(part)]) {
		done, err := found.read(part)
		if errors.Is(err, unix.ENOENT) && protocol != unix.IPPROTO_UDP {
			return found, nil
		}
		if done || err != nil {
			return found, err
		}
	}
	return nil, err
}

// read takes one part of the kernel's answer; done is the last one's end.
func (c cookies) read(part []byte) (done bool, err error) {
	for len(part) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(part))
		if length < unix.SizeofNlMsghdr || length > len(part) {
			return false, errShort
		}
		switch binary.NativeEndian.Uint16(part[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			errno, err := errnoOf(part[:length])
			if err == nil && errno != 0 {
				err = errno
			}
			return true, err
		case unix.SOCK_DIAG_BY_FAMILY:
			message := part[unix.SizeofNlMsghdr:length]
			if len(message) < answeredSize {
				return false, errShort
			}
			low := binary.NativeEndian.Uint32(message[answeredCookie:])
			high := binary.NativeEndian.Uint32(message[answeredCookie+4:])
			c[uint64(low)|uint64(high)<<32] = true
		}
		// Messages begin at multiples of four bytes (netlink(7), NLMSG_ALIGN).
		part = part[min(len(part), (length+3)&^3):]
	}
	return false, nil
}
