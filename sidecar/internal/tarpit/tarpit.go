// Package tarpit has the listeners whose sockets answer nothing, so that a program's connect() to them stays under way
// until this process completes it by TCP simultaneous open (RFC 9293, figure 7) or fails it.
package tarpit

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Tarpit is a pair of listeners on loopback, of which the one for IPv6 may be missing. Its methods may be called from
// many goroutines.
type Tarpit struct {
	v4, v6 *pit
}

// Open makes the listeners. Without IPv6 on the host there is only the one for IPv4.
func Open() (*Tarpit, error) {
	v4, err := openPit(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	if err != nil {
		return nil, err
	}
	v6, err := openPit(netip.IPv6Loopback())
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.EAFNOSUPPORT) {
		v4.close()
		return nil, err
	}
	return &Tarpit{v4: v4, v6: v6}, nil
}

// Close ends it. Nobody else can take the addresses while a program has the sockets of [Tarpit.Holders].
func (t *Tarpit) Close() {
	t.v4.close()
	t.v6.close()
}

// Addresses returns where the tarpits are; one that is missing is not valid.
func (t *Tarpit) Addresses() (v4, v6 netip.AddrPort) { return t.v4.addr(), t.v6.addr() }

// Holders returns sockets that share the addresses and do nothing else. They stay the Tarpit's.
func (t *Tarpit) Holders() []int {
	var holders []int
	for _, p := range []*pit{t.v4, t.v6} {
		if p != nil {
			holders = append(holders, p.holder)
		}
	}
	return holders
}

// of returns the pit that a program's socket with this local address has connected to.
func (t *Tarpit) of(local netip.Addr) (*pit, error) {
	p := t.v6
	if local.Unmap().Is4() {
		p = t.v4
	}
	if p == nil {
		return nil, fmt.Errorf("there is no tarpit for %v", local)
	}
	return p, nil
}

// pit is one listener. A nil pit is one that is missing.
type pit struct {
	address  netip.AddrPort
	listener int
	holder   int
	spare    stock
}

func openPit(on netip.Addr) (*pit, error) {
	p := &pit{listener: -1, holder: -1}
	if err := p.open(on); err != nil {
		p.close()
		return nil, fmt.Errorf("making a tarpit on %v: %w", on, err)
	}
	return p, nil
}

func (p *pit) open(on netip.Addr) error {
	var err error
	if p.listener, err = bound(netip.AddrPortFrom(on, 0)); err != nil {
		return err
	}
	if p.address, err = Local(p.listener); err != nil {
		return err
	}
	// Before it listens: not one segment may be answered.
	if err := dropAll(p.listener); err != nil {
		return err
	}
	if err := unix.Listen(p.listener, 1); err != nil {
		return err
	}
	p.holder, err = bound(p.address)
	return err
}

// dropAll attaches "return 0": no byte of any segment is let through (socket(7), SO_ATTACH_FILTER).
func dropAll(fd int) error {
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &program[0]})
}

func (p *pit) addr() netip.AddrPort {
	if p == nil {
		return netip.AddrPort{}
	}
	return p.address
}

func (p *pit) close() {
	if p == nil {
		return
	}
	p.spare.close()
	for _, fd := range []int{p.listener, p.holder} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// bound returns a socket on an address that it shares with the others of this package.
func bound(address netip.AddrPort) (int, error) {
	family := unix.AF_INET6
	if address.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if err != nil {
		return -1, err
	}
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	if err := unix.Bind(fd, sockaddr(address)); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
