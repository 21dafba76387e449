package tarpit

import (
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// State is a socket's in tcp(7)'s sense; the numbers are those of the kernel's include/net/tcp_states.h.
type State uint8

const (
	Established State = 1
	SynSent     State = 2
	Closed      State = 7
)

// The functions here take descriptors of programs. They never change one's flags, which the program shares.

// StateOf returns the state of a TCP socket.
func StateOf(fd int) (State, error) {
	// The state is the first byte of tcp_info.
	info, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return State(info), err
}

// Cookie returns what identifies the socket, whatever descriptors it has.
func Cookie(fd int) (uint64, error) {
	return unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
}

// IsTCP reports whether fd is a TCP socket, when [StateOf] knows its state. One of MPTCP is none.
func IsTCP(fd int) bool {
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return err == nil && protocol == unix.IPPROTO_TCP
}

// Local returns a socket's own address; a v4-mapped one as IPv4.
func Local(fd int) (netip.AddrPort, error) {
	// x/sys/unix asks for the socket's protocol too.
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port)), nil
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), uint16(name.Port)), nil
	}
	return netip.AddrPort{}, errors.New("the socket is neither of IPv4 nor of IPv6")
}

func sockaddr(address netip.AddrPort) unix.Sockaddr {
	if address.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())}
	}
	return &unix.SockaddrInet6{Addr: address.Addr().As16(), Port: int(address.Port())}
}
