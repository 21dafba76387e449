package datagram

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

const patience = 20 * time.Second

// fakeBoard is a board of maps.
type fakeBoard struct {
	mu    sync.Mutex
	flows map[netip.AddrPort]flowKey
	full  bool
}

func (b *fakeBoard) SetFlow(flow netip.AddrPort, cookie uint64, destination netip.AddrPort) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return false
	}
	b.flows[flow] = flowKey{cookie, destination}
	return true
}

func (b *fakeBoard) ClearFlow(flow netip.AddrPort, cookie uint64, destination netip.AddrPort) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.flows[flow] == (flowKey{cookie, destination}) {
		delete(b.flows, flow)
	}
}

func (b *fakeBoard) at(flow netip.AddrPort) (flowKey, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key, ok := b.flows[flow]
	return key, ok
}

// fixture is a table whose destinations are sockets of this host.
type fixture struct {
	*Table
	t     testing.TB
	board *fakeBoard
	clock atomic.Int64
	// targets says where a destination really is.
	mu      sync.Mutex
	targets map[netip.AddrPort]netip.AddrPort
	dials   atomic.Int32
	closed  chan traffic
	// bind, if not nil, is what far sides have.
	bind func(cut func(error)) (unbind func())
	// owner is the run; end ends it.
	owner context.Context
	end   context.CancelCauseFunc
}

// traffic is the end of a far side.
type traffic struct {
	up, down uint64
	err      error
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	x := &fixture{
		t:       t,
		board:   &fakeBoard{flows: map[netip.AddrPort]flowKey{}},
		targets: map[netip.AddrPort]netip.AddrPort{},
		closed:  make(chan traffic, 10_000),
	}
	x.owner, x.end = context.WithCancelCause(t.Context())
	x.clock.Store(time.Now().UnixNano())
	x.Table = &Table{
		Board:  x.board,
		Now:    func() time.Time { return time.Unix(0, x.clock.Load()) },
		Failed: func(err error) { t.Error(err) },
	}
	t.Cleanup(x.Close)
	return x
}

func (x *fixture) pass(d time.Duration) { x.clock.Add(int64(d)) }

func (x *fixture) dial(destination netip.AddrPort) (Opened, error) {
	x.mu.Lock()
	target, ok := x.targets[destination]
	x.mu.Unlock()
	x.dials.Add(1)
	if !ok {
		return Opened{}, message.Errorf(message.NoRoute, "there is no %v", destination)
	}
	remote, err := DialHost(new(hostdial.Dialer), target)
	opened := x.opened(remote)
	opened.Bind = x.bind
	return opened, err
}

func (x *fixture) opened(remote Remote) Opened {
	counters := new(splice.Counters)
	return Opened{Remote: remote, Counters: counters, Closed: func(err error) {
		x.closed <- traffic{counters.Up.Load(), counters.Down.Load(), err}
	}}
}

// reach makes destination what is at target.
func (x *fixture) reach(destination, target netip.AddrPort) netip.AddrPort {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.targets[destination] = target
	return destination
}

// open asks for a flow as the library does, with a duplicate of the program's socket.
func (x *fixture) open(p *socketOfProgram, destination netip.AddrPort) (netip.AddrPort, error) {
	x.t.Helper()
	duplicate, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		x.t.Fatal(err)
	}
	return x.Open(x.t.Context(), Request{
		Owner: x.owner, PID: 1, Cookie: p.cookie(), Program: duplicate, Destination: destination,
		Dial: func(context.Context) (Opened, error) { return x.dial(destination) },
	})
}

func (x *fixture) mustOpen(p *socketOfProgram, destination netip.AddrPort) netip.AddrPort {
	x.t.Helper()
	flow, err := x.open(p, destination)
	if err != nil {
		x.t.Fatal(err)
	}
	return flow
}

// socketOfProgram is what a program has: a plain socket, without a port before its first datagram.
type socketOfProgram struct {
	t   testing.TB
	fd  int
	six bool
}

func newProgram(t testing.TB, family int) *socketOfProgram {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip("needs a host with this family:", err)
	}
	p := &socketOfProgram{t, fd, family == unix.AF_INET6}
	t.Cleanup(p.close)
	// What never comes ends the test.
	limit := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *socketOfProgram) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

func (p *socketOfProgram) cookie() uint64 {
	p.t.Helper()
	cookie, err := unix.GetsockoptUint64(p.fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		p.t.Fatal(err)
	}
	return cookie
}

func (p *socketOfProgram) sockaddr(to netip.AddrPort) unix.Sockaddr {
	if p.six {
		return &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
}

func (p *socketOfProgram) send(to netip.AddrPort, datagram []byte) {
	p.t.Helper()
	if err := unix.Sendto(p.fd, datagram, 0, p.sockaddr(to)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *socketOfProgram) connect(to netip.AddrPort) {
	p.t.Helper()
	if err := unix.Connect(p.fd, p.sockaddr(to)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *socketOfProgram) bind(to netip.AddrPort) {
	p.t.Helper()
	if err := unix.Bind(p.fd, p.sockaddr(to)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *socketOfProgram) local() netip.AddrPort {
	p.t.Helper()
	held := program{p.fd}
	local, err := held.local()
	if err != nil {
		p.t.Fatal(err)
	}
	return local
}

func (p *socketOfProgram) receive() (string, netip.AddrPort, error) {
	buf := make([]byte, 1<<16)
	n, from, err := unix.Recvfrom(p.fd, buf, 0)
	for errors.Is(err, unix.EINTR) { // with SO_RCVTIMEO it is not restarted: signal(7)
		n, from, err = unix.Recvfrom(p.fd, buf, 0)
	}
	if err != nil {
		return "", netip.AddrPort{}, err
	}
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return string(buf[:n]), netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port)), nil
	case *unix.SockaddrInet6:
		return string(buf[:n]), netip.AddrPortFrom(netip.AddrFrom16(from.Addr).Unmap(), uint16(from.Port)), nil
	}
	return string(buf[:n]), netip.AddrPort{}, nil
}

// expect waits for one datagram and holds it to what it should be.
func (p *socketOfProgram) expect(want string, from netip.AddrPort) {
	p.t.Helper()
	got, source, err := p.receive()
	if err != nil || got != want || source != from {
		p.t.Fatalf("got %.60q from %v, %v; want %.60q from %v", got, source, err, want, from)
	}
}

// serve answers every datagram with prefix and what came.
func serve(t testing.TB, at string, prefix string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Skip("needs a host with", at, "but", err)
	}
	t.Cleanup(func() { conn.Close() })
	udp := conn.(*net.UDPConn)
	udp.SetReadBuffer(1 << 20)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := udp.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				udp.WriteToUDPAddrPort(append([]byte(prefix), buf[:n]...), from)
			}
		}
	}()
	return localOf(udp)
}

func within[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// eventually waits for what nobody tells.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

var (
	hello4 = netip.MustParseAddrPort("100.64.0.5:7")
	hello6 = netip.MustParseAddrPort("[fd7a:115c:a1e0::5]:7")
	other4 = netip.MustParseAddrPort("100.64.0.6:7")
)

const v4, v6 = "127.0.0.1:0", "[::1]:0"

func descriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
