package sourceport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

const (
	// maxBinds is how many ports of strangers are passed over for one connection.
	maxBinds = 1_024
	// maxTries is how many ports are tried that the kernel does not let follow a connection in TIME_WAIT.
	maxTries = 16
)

// Note is told of a socket that has its port: Write before it connects, Erase after it was connected and before it is closed.
type Note struct {
	Write, Erase func(local netip.AddrPort, cookie uint64)
}

// Dialer gives the ports. It is for many goroutines.
type Dialer struct {
	v4, v6 *ports
}

// New returns a dialer that gives the host's ephemeral ports.
func New() *Dialer {
	first, last := readRange(portRange)
	rest := readRest(timeWaitReuse)
	return &Dialer{v4: newPorts(first, last, rest), v6: newPorts(first, last, rest)}
}

// Connect connects to an address of this host, from loopback. Where that does not reach it, or no port is free, the kernel
// chooses whence, and nothing is noted.
func (d *Dialer) Connect(ctx context.Context, target netip.AddrPort, note Note) (*Socket, error) {
	target = netip.AddrPortFrom(target.Addr().Unmap(), target.Port())
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for range maxTries {
		socket, err := d.try(ctx, target, note)
		switch {
		case err == nil:
			return socket, nil
		case errors.Is(err, unix.EADDRNOTAVAIL) && socket != nil:
			continue // that port is in TIME_WAIT
		case socket == nil && unfit(err):
			return connectUnbound(ctx, target)
		}
		if socket != nil && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENETUNREACH)) {
			return connectUnbound(ctx, target) // loopback does not reach it
		}
		return nil, fmt.Errorf("connecting to %v: %w", target, err)
	}
	return connectUnbound(ctx, target)
}

// unfit reports whether a socket was not bound because no port is free, or there is no such loopback address.
func unfit(err error) bool {
	return errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.EADDRNOTAVAIL)
}

// try makes one attempt. A socket that comes with an error was bound, and is closed.
func (d *Dialer) try(ctx context.Context, target netip.AddrPort, note Note) (*Socket, error) {
	give, source := d.v6, netip.IPv6Loopback()
	if target.Addr().Is4() {
		give, source = d.v4, netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	fd, err := newSocket(target)
	if err != nil {
		return nil, err
	}
	port, err := give.bind(fd, source)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	s := &Socket{local: netip.AddrPortFrom(source, port), note: note, ports: give}
	if err := s.open(fd, target); err != nil {
		give.giveBack(port)
		return nil, err
	}
	if err := s.Establish(ctx, func(fd int) error { return connect(fd, target) }); err != nil {
		s.Abort()
		return s, err
	}
	return s, nil
}

// bind gives a socket a port.
func (p *ports) bind(fd int, source netip.Addr) (uint16, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	for range maxBinds {
		port, ok := p.take()
		if !ok {
			break
		}
		err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, port)))
		switch {
		case err == nil:
			return port, nil
		case errors.Is(err, unix.EADDRINUSE):
			p.isStrangers(port)
		default:
			p.giveBack(port)
			return 0, err
		}
	}
	return 0, unix.EADDRINUSE
}

// open notes a socket that is bound. The descriptor is the socket's, or closed.
func (s *Socket) open(fd int, target netip.AddrPort) error {
	var err error
	if s.cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil {
		unix.Close(fd)
		return err
	}
	if s.Socket, err = splice.NewSocket(fd, s.local, target); err != nil {
		return err // it has closed it
	}
	if s.note.Write != nil {
		s.note.Write(s.local, s.cookie)
	}
	return nil
}

// connectUnbound is for an address of this host that loopback does not reach.
func connectUnbound(ctx context.Context, target netip.AddrPort) (*Socket, error) {
	if !isLocal(target.Addr()) {
		return nil, message.Errorf(message.NoRoute, "%v is no address of this host", target.Addr())
	}
	fd, err := newSocket(target)
	if err != nil {
		return nil, fmt.Errorf("connecting to %v: %w", target, err)
	}
	socket, err := splice.NewSocket(fd, netip.AddrPort{}, target)
	if err != nil {
		return nil, fmt.Errorf("connecting to %v: %w", target, err)
	}
	s := &Socket{Socket: socket}
	if err := s.Establish(ctx, func(fd int) error { return connect(fd, target) }); err != nil {
		s.Abort()
		return nil, fmt.Errorf("connecting to %v: %w", target, err)
	}
	return s, nil
}

// newSocket returns a socket as splice.NewSocket takes it.
func newSocket(target netip.AddrPort) (int, error) {
	family := unix.AF_INET6
	if target.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := splice.Prepare(fd); err != nil {
		return -1, err
	}
	return fd, nil
}

// connect is connect(2), of which the second call says how the first went: over loopback that is known when it is back.
func connect(fd int, target netip.AddrPort) error {
	address := sockaddr(target)
	err := unix.Connect(fd, address)
	if errors.Is(err, unix.EINPROGRESS) {
		err = unix.Connect(fd, address)
	}
	if errors.Is(err, unix.EISCONN) {
		return nil
	}
	return err
}

// isLocal reports whether addr is one of this host's: a socket can be bound to it.
func isLocal(addr netip.Addr) bool {
	fd, err := newSocket(netip.AddrPortFrom(addr, 0))
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Bind(fd, sockaddr(netip.AddrPortFrom(addr, 0))) == nil
}

func sockaddr(address netip.AddrPort) unix.Sockaddr {
	if address.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())}
	}
	return &unix.SockaddrInet6{Addr: address.Addr().As16(), Port: int(address.Port())}
}
