package sockdiag

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listener is a socket of a test.
type listener struct {
	t  testing.TB
	fd int
	Listener
}

type setup func(fd int) error

func option(level, name, value int) setup {
	return func(fd int) error { return unix.SetsockoptInt(fd, level, name, value) }
}

func toLoopbackDevice(fd int) error { return unix.BindToDevice(fd, "lo") }

func bound(t testing.TB, address netip.AddrPort, setups ...setup) *listener {
	t.Helper()
	family, name := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: address.Addr().As16(), Port: int(address.Port())})
	if address.Addr().Is4() {
		family, name = unix.AF_INET, &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("skipped: needs sockets of family %d (%v)", family, err)
	}
	l := &listener{t: t, fd: fd}
	t.Cleanup(l.close)
	for _, set := range setups {
		if err := set(fd); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Bind(fd, name); err != nil {
		t.Skipf("skipped: needs %v (%v)", address, err)
	}
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		t.Fatal(err)
	}
	l.Listener = Listener{Address: netip.AddrPortFrom(address.Addr(), port(t, fd)), Cookie: cookie}
	return l
}

func port(t testing.TB, fd int) uint16 {
	t.Helper()
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return uint16(name.Port)
	case *unix.SockaddrInet6:
		return uint16(name.Port)
	}
	t.Fatalf("its name is %T", name)
	return 0
}

func (l *listener) listen() *listener {
	l.t.Helper()
	if err := unix.Listen(l.fd, 1); err != nil {
		l.t.Fatal(err)
	}
	return l
}

func (l *listener) close() {
	if l.fd >= 0 {
		unix.Close(l.fd)
		l.fd = -1
	}
}

func (l *listener) listens() bool {
	l.t.Helper()
	listening, err := Listening([]Listener{l.Listener})
	if err != nil {
		l.t.Fatal(err)
	}
	return listening[0]
}

func TestASocketListensFromListenToClose(t *testing.T) {
	only6, both := option(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1), option(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	tests := []struct {
		name, address string
		setups        []setup
	}{
		{"loopback", "127.0.0.1:0", nil},
		{"any", "0.0.0.0:0", nil},
		{"any-on-lo", "0.0.0.0:0", []setup{toLoopbackDevice}},
		{"loopback6", "[::1]:0", nil},
		{"any6", "[::]:0", []setup{only6}},
		{"any-of-both", "[::]:0", []setup{both}},
		{"any-of-both-on-lo", "[::]:0", []setup{both, toLoopbackDevice}},
		{"mapped", "[::ffff:127.0.0.1]:0", []setup{both}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := bound(t, netip.MustParseAddrPort(tt.address), tt.setups...)
			if l.listens() {
				t.Error("it listens before listen()")
			}
			if l.listen(); !l.listens() {
				t.Error("it does not listen after listen()")
			}
			duplicate, err := unix.Dup(l.fd)
			if err != nil {
				t.Fatal(err)
			}
			if l.close(); !l.listens() {
				t.Error("it does not listen while a duplicate is open")
			}
			unix.Close(duplicate)
			if l.listens() {
				t.Error("it listens after its last descriptor was closed")
			}
		})
	}
}

func TestSocketsThatShareAPortAreToldApart(t *testing.T) {
	share := option(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	first := bound(t, netip.MustParseAddrPort("127.0.0.1:0"), share).listen()
	group := []*listener{first}
	for range 7 {
		group = append(group, bound(t, first.Address, share).listen())
	}
	group[3].close()
	group[5].close()
	sockets := make([]Listener, len(group))
	for i, l := range group {
		sockets[i] = l.Listener
	}
	got, err := Listening(sockets)
	if want := []bool{true, true, true, false, true, false, true, true}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestAListenerOfMPTCPIsFound(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
	if err != nil {
		t.Skipf("skipped: needs MPTCP (%v)", err)
	}
	l := &listener{t: t, fd: fd}
	defer l.close()
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if l.Cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil {
		t.Fatal(err)
	}
	l.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port(t, fd))
	if l.listen(); !l.listens() {
		t.Error("it does not listen after listen()")
	}
	if l.close(); l.listens() {
		t.Error("it listens after its close")
	}
}

func TestMoreSocketsThanOneAnswerHoldsAreAllFound(t *testing.T) {
	var sockets []Listener
	for range 800 {
		sockets = append(sockets, bound(t, netip.MustParseAddrPort("127.0.0.1:0")).listen().Listener)
	}
	got, err := Listening(sockets)
	if err != nil || slices.Contains(got, false) {
		t.Errorf("some are missing: %v", err)
	}
	none := sockets[0]
	none.Cookie = AnyCookie - 1
	if got, err := Listening([]Listener{none}); err != nil || got[0] {
		t.Errorf("what is no socket listens: %v", err)
	}
	if got, err := Listening(nil); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func BenchmarkListening(b *testing.B) {
	l := bound(b, netip.MustParseAddrPort("127.0.0.1:0")).listen()
	for b.Loop() {
		if !l.listens() {
			b.Fatal("it is not found")
		}
	}
}

func TestASocketOfUDPIsFoundWhileItIsBound(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"} {
		t.Run(strings.TrimSuffix(address, ":0"), func(t *testing.T) {
			conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
			if err != nil {
				t.Skipf("skipped: needs %s (%v)", address, err)
			}
			defer conn.Close()
			raw, err := conn.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			bound := Listener{Datagrams: true, Address: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
			raw.Control(func(fd uintptr) {
				bound.Cookie, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE)
			})
			if err != nil {
				t.Fatal(err)
			}
			another := bound
			another.Cookie = AnyCookie - 1
			ofTCP := bound
			ofTCP.Datagrams = false
			got, err := Listening([]Listener{bound, another, ofTCP})
			if want := []bool{true, false, false}; err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
			conn.Close()
			if got, err := Listening([]Listener{bound}); err != nil || got[0] {
				t.Errorf("after its close got %v, %v", got, err)
			}
		})
	}
}
