package sourceport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

func TestTheRangeIsTheHosts(t *testing.T) {
	tests := []struct {
		name, text  string
		first, last uint16
	}{
		{"usual", "32768\t60999\n", 32768, 60999},
		{"one-port", "4000 4000\n", 4000, 4000},
		{"upside-down", "5000 4000\n", defaultFirst, defaultLast},
		{"too-large", "1 70000\n", defaultFirst, defaultLast},
		{"empty", "", defaultFirst, defaultLast},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "range")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if first, last := readRange(path); first != tt.first || last != tt.last {
				t.Errorf("it is %d to %d", first, last)
			}
		})
	}
	if first, last := readRange("/nonexistent"); first != defaultFirst || last != defaultLast {
		t.Errorf("without one it is %d to %d", first, last)
	}
}

func TestEachPortIsGivenOnceBeforeAnyRestIsCutShort(t *testing.T) {
	for _, count := range []int{1, 2, 5, 28_232} {
		p := newPorts(uint16(65_536-count), 65_535, time.Second)
		seen := map[uint16]bool{}
		for i := range count {
			port, ok := p.take()
			if !ok || seen[port] || int(port) < 65_536-count {
				t.Fatalf("got %d, %v", port, ok)
			}
			if half := (count + 1) / 2; (int(port)-65_536+count)%2 == 0 != (i < half) {
				t.Fatalf("port %d comes as number %d", port, i)
			}
			seen[port] = true
		}
		if port, ok := p.take(); ok {
			t.Errorf("one more than all %d: %d", count, port)
		}
	}
}

func TestAPortThatHasRestedComesBeforeANewOne(t *testing.T) {
	p := newPorts(1_000, 1_003, time.Second)
	clock := time.Unix(0, 0)
	p.now = func() time.Time { return clock }
	take := func() uint16 {
		port, ok := p.take()
		if !ok {
			t.Fatal("there is none")
		}
		return port
	}
	first := take()
	p.giveBack(first)
	clock = clock.Add(999 * time.Millisecond)
	second := take()
	if second == first {
		t.Error("it comes again before it has rested")
	}
	clock = clock.Add(time.Millisecond)
	if got := take(); got != first {
		t.Errorf("got %d; want %d, which has rested", got, first)
	}
	p.giveBack(second)
	p.giveBack(first)
	third, fourth := take(), take()
	if got := take(); got != second || third == fourth {
		t.Errorf("got %d; want %d, which rests longest", got, second)
	}
}

func TestWithoutReuseAPortRestsForAllOfTimeWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reuse")
	for text, want := range map[string]time.Duration{"0\n": longRest, "1\n": shortRest, "2\n": shortRest} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readRest(path); got != want {
			t.Errorf("%q: %v; want %v", text, got, want)
		}
	}
}

// inUse counts the ports that are neither new nor resting.
func (p *ports) inUse() int { return p.fresh - len(p.resting) - len(p.strangers) }

// server listens on loopback and hands each connection to serve.
func server(t testing.TB, host string, serve func(conn *net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Skipf("skipped: needs %s (%v)", host, err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			serving.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestAListenerSeesThePortThatWasNoted(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.9.8.7", "::1"} {
		t.Run(host, func(t *testing.T) {
			remotes := make(chan netip.AddrPort, 1)
			target := server(t, host, func(conn *net.TCPConn) {
				remotes <- conn.RemoteAddr().(*net.TCPAddr).AddrPort()
				io.Copy(io.Discard, conn)
			})
			var written, erased []netip.AddrPort
			var cookie uint64
			s, err := New().Connect(t.Context(), target, Note{
				Write: func(local netip.AddrPort, c uint64) { written, cookie = append(written, local), c },
				Erase: func(local netip.AddrPort, c uint64) {
					if c == cookie {
						erased = append(erased, local)
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if remote := <-remotes; len(written) != 1 || remote != written[0] || s.Local() != remote || !s.Bound() {
				t.Errorf("it sees %v, was noted as %v and says %v", remote, written, s.Local())
			}
			if cookie == 0 || len(erased) != 0 {
				t.Errorf("cookie %d, erased %v", cookie, erased)
			}
			s.Close()
			s.Abort()
			if len(erased) != 1 || erased[0] != written[0] {
				t.Errorf("erased %v", erased)
			}
		})
	}
}

func TestWhatFailsIsErasedAndGivesItsPortBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	d := New()
	notes := 0
	note := Note{
		Write: func(netip.AddrPort, uint64) { notes++ },
		Erase: func(netip.AddrPort, uint64) { notes-- },
	}
	if _, err := d.Connect(t.Context(), refusing, note); message.CodeOf(err) != message.Refused {
		t.Errorf("got %v", err)
	}
	if _, err := d.Connect(t.Context(), netip.MustParseAddrPort("198.51.100.1:80"), note); message.CodeOf(err) != message.NoRoute {
		t.Errorf("an address of another host: %v", err)
	}
	if notes != 0 || d.v4.inUse() != 0 {
		t.Errorf("%d notes are left, %d ports are in use", notes, d.v4.inUse())
	}
}

func TestAStrangersPortsArePassedOver(t *testing.T) {
	target := server(t, "127.0.0.1", func(conn *net.TCPConn) { io.Copy(io.Discard, conn) })
	stranger := server(t, "127.0.0.1", nil).Port()
	d := &Dialer{v4: newPorts(stranger, stranger, shortRest)}
	s, err := d.Connect(t.Context(), target, Note{Write: func(local netip.AddrPort, _ uint64) { t.Errorf("%v is noted", local) }})
	if err != nil {
		t.Fatal(err)
	}
	if s.Bound() {
		t.Error("it has a port of ours")
	}
	s.Close()
	if d.v4.inUse() != 0 || len(d.v4.strangers) != 1 {
		t.Errorf("%d ports are in use, of %d is known that they are a stranger's", d.v4.inUse(), len(d.v4.strangers))
	}
	clock := time.Now()
	d.v4.now = func() time.Time { return clock }
	d.v4.fresh, d.v4.count, d.v4.first = 0, 1, stranger-1
	if port, ok := d.v4.take(); port != stranger-1 || !ok {
		t.Errorf("got %d before one that was nobody's", port)
	}
	d.v4.count = 0
	clock = clock.Add(longRest)
	if port, ok := d.v4.take(); port != stranger || !ok {
		t.Errorf("got %d after a minute", port)
	}
}

// full returns a listener that has no place for another connection.
func full(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*unix.SockaddrInet4).Port))
	conn, err := net.Dial("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return address
}

func TestAListenerThatIsFullIsWaitedForUntilTheContextEnds(t *testing.T) {
	target := full(t)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	d := New()
	written := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := d.Connect(ctx, target, Note{Write: func(netip.AddrPort, uint64) { close(written) }})
		done <- err
	}()
	<-written
	cancel(reason)
	select {
	case err := <-done:
		if !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	case <-time.After(patience):
		t.Error("it waits on")
	}
	if d.v4.inUse() != 0 {
		t.Error("the port is not given back")
	}
}

// firstToClose says who closes a connection first.
type firstToClose bool

const (
	weClose    firstToClose = true
	programEnd firstToClose = false
)

// short makes one connection that carries a byte each way.
func (first firstToClose) short(t testing.TB, d *Dialer, target netip.AddrPort) {
	s, err := d.Connect(t.Context(), target, Note{})
	if err != nil {
		t.Fatal(err)
	}
	if first == weClose {
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(s, 1)); err != nil {
		t.Fatal(err)
	}
	if first == programEnd {
		if n, err := s.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("read %d bytes, %v", n, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// serve is the program's part.
func (first firstToClose) serve(conn *net.TCPConn) {
	if first == weClose {
		io.Copy(io.Discard, conn)
	}
	conn.Write([]byte("x"))
}

func TestPortsDoNotRunOutWhoeverClosesFirst(t *testing.T) {
	// The benchmark makes more of them than there are ports: -benchtime 50000x.
	for name, first := range map[string]firstToClose{"we": weClose, "program": programEnd} {
		t.Run(name, func(t *testing.T) {
			target := server(t, "127.0.0.1", first.serve)
			d := New()
			for range 3_000 {
				first.short(t, d, target)
			}
			if d.v4.inUse() != 0 {
				t.Errorf("%d ports are in use", d.v4.inUse())
			}
		})
	}
}

func BenchmarkShortConnections(b *testing.B) {
	for name, first := range map[string]firstToClose{"we-close": weClose, "program-closes": programEnd} {
		b.Run(name, func(b *testing.B) {
			target := server(b, "127.0.0.1", first.serve)
			d := New()
			for b.Loop() {
				first.short(b, d, target)
			}
		})
		b.Run(name+"-unbound", func(b *testing.B) {
			target := server(b, "127.0.0.1", first.serve)
			for b.Loop() {
				s, err := connectUnbound(b.Context(), target)
				if err != nil {
					b.Fatal(err)
				}
				if first == weClose {
					s.CloseWrite()
				}
				io.Copy(io.Discard, s)
				s.Close()
			}
		})
	}
}
