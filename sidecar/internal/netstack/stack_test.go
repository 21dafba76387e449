package netstack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	left4, right4 = netip.MustParseAddr("100.64.0.1"), netip.MustParseAddr("100.64.0.2")
	left6, right6 = netip.MustParseAddr("fd7a:115c:a1e0::1"), netip.MustParseAddr("fd7a:115c:a1e0::2")
)

const patience = 20 * time.Second

// pair returns two stacks with a wire between their devices, as WireGuard is.
func pair(t testing.TB) (left, right *Stack) {
	t.Helper()
	left, right = newStack(t, left4, left6), newStack(t, right4, right6)
	var wires sync.WaitGroup
	wires.Go(func() { wire(left, right) })
	wires.Go(func() { wire(right, left) })
	t.Cleanup(func() {
		left.Close()
		right.Close()
		wires.Wait()
	})
	return left, right
}

func newStack(t testing.TB, addrs ...netip.Addr) *Stack {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetAddresses(addrs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func wire(from, to *Stack) {
	const offset = 16
	device := from.Device()
	bufs := make([][]byte, device.BatchSize())
	sizes := make([]int, len(bufs))
	for i := range bufs {
		bufs[i] = make([]byte, offset+(64<<10))
	}
	for {
		n, err := device.Read(bufs, sizes, offset)
		if err != nil {
			return
		}
		packets := make([][]byte, n)
		for i := range packets {
			packets[i] = bufs[i][:offset+sizes[i]]
		}
		to.Device().Write(packets, offset)
	}
}

func listen(t testing.TB, s *Stack, addr netip.Addr) *Listener {
	t.Helper()
	l, err := s.ListenTCP(netip.AddrPortFrom(addr, 80))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connected returns both ends of a connection.
func connected(t testing.TB, from, to *Stack, addr netip.Addr) (dialled, accepted *Conn) {
	t.Helper()
	l := listen(t, to, addr)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialled, err := from.DialTCP(ctx, netip.AddrPortFrom(addr, 80))
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Abort(); accepted.Abort() })
	return dialled, accepted
}

func TestCarriesBytesBothWays(t *testing.T) {
	for _, tt := range []struct {
		name string
		addr netip.Addr
	}{{"IPv4", right4}, {"IPv6", right6}} {
		t.Run(tt.name, func(t *testing.T) {
			left, right := pair(t)
			a, b := connected(t, left, right, tt.addr)
			if a.Remote() != b.Local() || a.Local() != b.Remote() {
				t.Errorf("%v-%v and %v-%v", a.Local(), a.Remote(), b.Local(), b.Remote())
			}
			up, down := random(1, 8<<20), random(2, 8<<20)
			var all sync.WaitGroup
			send := func(c *Conn, data []byte) {
				if _, err := c.Write(data); err != nil {
					t.Error(err)
				}
				c.CloseWrite()
			}
			receive := func(c *Conn, want []byte) {
				if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes came, %v", len(got), err)
				}
			}
			all.Go(func() { send(a, up) })
			all.Go(func() { send(b, down) })
			all.Go(func() { receive(a, down) })
			all.Go(func() { receive(b, up) })
			all.Wait()
		})
	}
}

func random(seed byte, size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func TestDialFailures(t *testing.T) {
	left, _ := pair(t)
	gone := netip.AddrPortFrom(netip.MustParseAddr("100.64.0.3"), 80) // the wire delivers, nobody answers
	t.Run("nobody listens", func(t *testing.T) {
		_, err := left.DialTCP(t.Context(), netip.AddrPortFrom(right4, 80))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody listens here", func(t *testing.T) {
		_, err := left.DialTCP(t.Context(), netip.AddrPortFrom(left4, 80))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		reason := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		go cancel(reason)
		if _, err := left.DialTCP(ctx, gone); !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := left.DialTCP(ctx, gone); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without an address", func(t *testing.T) {
		if _, err := newStack(t).DialTCP(t.Context(), netip.AddrPortFrom(right4, 80)); err == nil {
			t.Error("a stack without addresses connected")
		}
	})
}

func TestTellsAResetFromAnEnd(t *testing.T) {
	left, right := pair(t)
	a, b := connected(t, left, right, right4)
	b.Write([]byte("last words"))
	got := make([]byte, 10)
	if _, err := io.ReadFull(a, got); err != nil {
		t.Fatal(err)
	}
	b.Abort()
	if _, err := a.Read(got); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read gave %v", err)
	}
	for {
		if _, err := a.Write(got); err != nil {
			break
		}
	}
}

func TestAbortWakesReadersAndWriters(t *testing.T) {
	left, right := pair(t)
	a, _ := connected(t, left, right, right4)
	ended := make(chan error, 2)
	go func() {
		_, err := a.Read(make([]byte, 1))
		ended <- err
	}()
	go func() {
		for {
			if _, err := a.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	}()
	a.Abort()
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, syscall.ECONNABORTED) {
				t.Errorf("got %v", err)
			}
		case <-time.After(patience):
			t.Fatal("somebody still waits")
		}
	}
	a.Abort()
	a.Close()
}

func TestHalfClose(t *testing.T) {
	left, right := pair(t)
	a, b := connected(t, left, right, right6)
	a.CloseWrite()
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read gave %v", err)
	}
	b.Write([]byte("still here"))
	b.Close()
	if got, err := io.ReadAll(a); err != nil || string(got) != "still here" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing after CloseWrite gave %v", err)
	}
}

func TestFollowsItsAddresses(t *testing.T) {
	left, right := pair(t)
	moved := netip.MustParseAddr("100.64.0.22")
	if err := right.SetAddresses([]netip.Addr{moved, right6}); err != nil {
		t.Fatal(err)
	}
	connected(t, left, right, moved)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := left.DialTCP(ctx, netip.AddrPortFrom(right4, 80)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the old address gave %v", err)
	}
}

func TestTheListenerEnds(t *testing.T) {
	s := newStack(t, left4)
	l, err := s.ListenTCP(netip.AddrPortFrom(left4, 0))
	if err != nil {
		t.Fatal(err)
	}
	if l.Addr().(*net.TCPAddr).Port == 0 {
		t.Error("no port was chosen")
	}
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept gave %v", err)
	}
}

func TestFlushWaitsForTheReader(t *testing.T) {
	s := newStack(t, left4)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// The SYN waits for a reader who is not there.
	if _, err := s.DialTCP(ctx, netip.AddrPortFrom(right4, 80)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	flushed := make(chan struct{})
	go func() {
		s.Flush(t.Context())
		close(flushed)
	}()
	bufs := [][]byte{make([]byte, 64<<10)}
	read := func() (int, error) { return s.Device().Read(bufs, make([]int, 1), 0) }
	if n, err := read(); n != 1 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	select {
	case <-flushed:
		t.Error("flushed before the reader came back")
	default:
	}
	go read()
	<-flushed
	s.Close()
	s.Flush(t.Context())
}

func TestShortestDelayOfThePath(t *testing.T) {
	var d delays
	now := time.Now()
	for _, step := range []struct {
		after, measured, want time.Duration
	}{
		{0, 5 * time.Millisecond, 5 * time.Millisecond},
		{time.Second, 2 * time.Millisecond, 2 * time.Millisecond},
		{2 * time.Second, 9 * time.Millisecond, 2 * time.Millisecond},
		// The next period still knows the one before, the one after does not.
		{delayAge + time.Second, 8 * time.Millisecond, 2 * time.Millisecond},
		{2*delayAge + 2*time.Second, 7 * time.Millisecond, 7 * time.Millisecond},
		{9 * delayAge, 30 * time.Millisecond, 30 * time.Millisecond},
	} {
		if got := d.note(right4, step.measured, now.Add(step.after)); got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
	for i := range maxDelays + 1 {
		d.note(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), time.Second, now)
	}
	if len(d.byRemote) > maxDelays {
		t.Errorf("%d are kept", len(d.byRemote))
	}
}
