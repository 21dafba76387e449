package datagram

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// socketBuffer is asked for in both directions; the kernel gives what net.core.rmem_max and wmem_max allow. In the
	// program's direction it holds nothing, as loopback delivers at once.
	socketBuffer = 1 << 20
	// bindAttempts is how often a port is chosen. It is another's only if that came between two system calls.
	bindAttempts = 16
)

// socket is a flow socket.
type socket struct {
	*kernel
	address netip.AddrPort
}

func newSocket(loopback netip.Addr) (*socket, error) {
	conn, err := bind(loopback)
	if err != nil {
		return nil, fmt.Errorf("making a flow socket on %v: %w", loopback, err)
	}
	k, err := newKernel(conn)
	if err != nil {
		return nil, err
	}
	// Smaller ones do too.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	return &socket{k, localOf(conn)}, nil
}

// bind binds to a port by its number: one of the kernel's choice would be lost by the disconnect in deaf.
func bind(loopback netip.Addr) (*net.UDPConn, error) {
	var failed error
	for range bindAttempts {
		chosen, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			return nil, err
		}
		address := localOf(chosen)
		chosen.Close()
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(address))
		if err == nil {
			return conn, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
		failed = err
	}
	return nil, failed
}

func localOf(conn *net.UDPConn) netip.AddrPort {
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	address := local.AddrPort()
	return netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
}

// deaf calls during while no datagram reaches the socket: connected to itself, it is not the one for anybody else's,
// and the kernel answers them as it does where nobody listens.
func (s *socket) deaf(during func()) error {
	var errno unix.Errno
	err := s.raw.Control(func(fd uintptr) {
		self, length := rawOf(s.address, false)
		if errno = connect(fd, &self, length); errno != 0 {
			return
		}
		during()
		nobody := unix.RawSockaddrInet6{Family: unix.AF_UNSPEC}
		errno = connect(fd, &nobody, uint32(unsafe.Sizeof(nobody)))
	})
	if err != nil {
		return err
	}
	if errno != 0 {
		return fmt.Errorf("connecting flow socket %v: %w", s.address, errno)
	}
	return nil
}

func connect(fd uintptr, to *unix.RawSockaddrInet6, length uint32) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(to)), uintptr(length))
	return errno
}

// openSocket chooses where a program's socket is sent to for a destination. Its family decides, as for the datagrams
// themselves: one of IPv6 that sends to IPv4 does so by a mapped address, and gets an IPv4 flow socket. On a host
// without ::1 a socket of IPv6 that takes mapped addresses is served there too.
func openSocket(p *program, destination netip.Addr) (*socket, error) {
	ipv4 := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if destination.Is4() {
		return newSocket(ipv4)
	}
	s, err := newSocket(netip.IPv6Loopback())
	if err == nil {
		return s, nil
	}
	without := errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
	if six, only := p.isIPv6(); without && six && !only {
		return newSocket(ipv4)
	}
	return nil, err
}
