package datagram

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// program is a duplicate of the program's socket. It is held as short as can be: while it is, the port is not free
// though the program may have closed its own.
type program struct{ fd int }

func (p *program) held() bool { return p.fd >= 0 }

func (p *program) release() {
	if p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

// local returns the address of the socket; port 0 while it has none.
func (p *program) local() (netip.AddrPort, error) {
	address, err := unix.Getsockname(p.fd)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("asking for the address of a program's socket: %w", err)
	}
	switch address := address.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(address.Addr), uint16(address.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(address.Addr).Unmap(), uint16(address.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("a program's socket is of family %T, which is not of the internet", address)
}

// SourceOf returns the address of a program's socket as far as it is known before its first datagram: what the kernel
// will take for a destination on loopback, port 0 while it has none.
func SourceOf(socket int, destination netip.Addr) netip.AddrPort {
	held := program{socket}
	source := netip.IPv6Loopback()
	if destination.Is4() {
		source = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	local, err := held.local()
	switch {
	case err != nil:
		return netip.AddrPortFrom(source, 0)
	case local.Addr().IsUnspecified():
		return netip.AddrPortFrom(source, local.Port())
	}
	return local
}

// isIPv6 reports whether the socket is one of IPv6, and whether it reaches nothing else.
func (p *program) isIPv6() (six, only bool) {
	family, err := unix.GetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || family != unix.AF_INET6 {
		return false, false
	}
	v6only, err := unix.GetsockoptInt(p.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	return true, err != nil || v6only != 0
}

// provoke sends an empty datagram as the program to where nobody takes it. The first attempt may only tell of an error
// that the program has not fetched yet.
func (p *program) provoke(flow netip.AddrPort) {
	six, _ := p.isIPv6()
	raw, length := rawOf(flow, six)
	for range 2 {
		_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(p.fd), 0, 0, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
			uintptr(unsafe.Pointer(&raw)), uintptr(length))
		if errno != unix.ECONNREFUSED {
			return
		}
	}
}
