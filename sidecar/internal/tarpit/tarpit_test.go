package tarpit

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

func open(t testing.TB) *Tarpit {
	t.Helper()
	tarpit, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tarpit.Close)
	return tarpit
}

// families runs a test for each family that the host has.
func families(t *testing.T, test func(t *testing.T, tarpit *Tarpit, p *pit)) {
	for _, tt := range []struct {
		name string
		of   func(*Tarpit) *pit
	}{
		{"IPv4", func(tarpit *Tarpit) *pit { return tarpit.v4 }},
		{"IPv6", func(tarpit *Tarpit) *pit { return tarpit.v6 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tarpit := open(t)
			p := tt.of(tarpit)
			if p == nil {
				t.Skip("skipped: needs IPv6 on loopback")
			}
			test(t, tarpit, p)
		})
	}
}

// pending is a program's socket that connects.
func pending(t testing.TB, p *pit) (fd int, local netip.AddrPort) {
	t.Helper()
	fd, local, err := p.pending(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd, local
}

func pollEvents(t testing.TB, fd int) int16 {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	if _, err := unix.Poll(fds, 0); err != nil {
		t.Fatal(err)
	}
	return fds[0].Revents
}

func TestTheProbeSaysThatThisKernelDoes(t *testing.T) {
	families(t, func(t *testing.T, _ *Tarpit, p *pit) {
		if err := p.probe(); err != nil {
			t.Error(err)
		}
	})
}

func TestAConnectStaysUnderWayUntilItIsJoined(t *testing.T) {
	families(t, func(t *testing.T, tarpit *Tarpit, p *pit) {
		fd, local := pending(t, p)
		if events := pollEvents(t, fd); events != 0 {
			t.Fatalf("poll shows %#x before the join", events)
		}
		if err := unix.Connect(fd, sockaddr(p.address)); !errors.Is(err, unix.EALREADY) {
			t.Errorf("a second connect gives %v", err)
		}
		socket, err := tarpit.Join(t.Context(), local)
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Abort()
		if events := pollEvents(t, fd); events != unix.POLLOUT {
			t.Errorf("poll shows %#x after the join", events)
		}
		if err := unix.Connect(fd, sockaddr(p.address)); err != nil {
			t.Errorf("the connect after it gives %v", err)
		}
		if socket.Local() != p.address {
			t.Errorf("our end is %v, the tarpit %v", socket.Local(), p.address)
		}
		if _, err := socket.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
		unix.SetNonblock(fd, false)
		program := os.NewFile(uintptr(dup(t, fd)), "program")
		defer program.Close()
		if got, err := io.ReadAll(program); string(got) != "hello" || err != nil {
			t.Errorf("the program read %q, %v", got, err)
		}
	})
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestAConnectIsRefusedWithoutADescriptorOfItsSocket(t *testing.T) {
	families(t, func(t *testing.T, tarpit *Tarpit, p *pit) {
		fd, local := pending(t, p)
		cookie, err := Cookie(fd)
		if err != nil {
			t.Fatal(err)
		}
		// Edge-triggered, so that it would tell of a moment in which the socket was connected.
		epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(epoll)
		event := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := tarpit.Refuse(t.Context(), local, cookie); err != nil {
				t.Fatal(err)
			}
		}
		const want = unix.POLLOUT | unix.POLLERR | unix.POLLHUP
		events := make([]unix.EpollEvent, 2)
		if n, err := unix.EpollWait(epoll, events, 0); n != 1 || events[0].Events&want != want {
			t.Errorf("epoll shows %d events, %v: %+v", n, err, events)
		}
		for _, want := range []unix.Errno{unix.ECONNRESET, 0} {
			if errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); unix.Errno(errno) != want || err != nil {
				t.Errorf("SO_ERROR is %d, %v; want %d", errno, err, want)
			}
		}
		// As after a refusal by the network, whose error SO_ERROR has told.
		for _, want := range []error{unix.ECONNABORTED, unix.EINPROGRESS} {
			if err := unix.Connect(fd, sockaddr(p.address)); !errors.Is(err, want) {
				t.Errorf("the next connect gives %v; want %v", err, want)
			}
		}
		again, err := Local(fd)
		if err != nil {
			t.Fatal(err)
		}
		socket, err := tarpit.Join(t.Context(), again)
		if err != nil {
			t.Fatal(err)
		}
		socket.Abort()
	})
}

// A program that waits in connect() has its socket locked now and then, and must see the end and nothing else.
func TestABlockingConnectIsRefused(t *testing.T) {
	families(t, func(t *testing.T, tarpit *Tarpit, p *pit) {
		for range 100 {
			family := unix.AF_INET6
			if p.address.Addr().Is4() {
				family = unix.AF_INET
			}
			fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			cookie, err := Cookie(fd)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- unix.Connect(fd, sockaddr(p.address)) }()
			if err := AwaitSynSent(t.Context(), func() (State, error) { return StateOf(fd) }); err != nil {
				t.Fatal(err)
			}
			local, err := Local(fd)
			if err != nil {
				t.Fatal(err)
			}
			if err := tarpit.Refuse(t.Context(), local, cookie); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("connect() gave %v", err)
			}
			unix.Close(fd)
		}
	})
}

func TestAMappedSocketIsJoinedByIPv4(t *testing.T) {
	tarpit := open(t)
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Skip("skipped: needs IPv6")
	}
	defer unix.Close(fd)
	address := unix.SockaddrInet6{Port: int(tarpit.v4.address.Port()), Addr: netip.AddrFrom16(tarpit.v4.address.Addr().As16()).As16()}
	if err := unix.Connect(fd, &address); !errors.Is(err, unix.EINPROGRESS) {
		t.Fatal(err)
	}
	local, err := Local(fd)
	if err != nil || !local.Addr().Is4() {
		t.Fatalf("it is at %v, %v", local, err)
	}
	cookie, err := Cookie(fd)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := Exists(local, tarpit.v4.address, cookie); !found || err != nil {
		t.Errorf("it is found: %v, %v", found, err)
	}
	socket, err := tarpit.Join(t.Context(), local)
	if err != nil {
		t.Fatal(err)
	}
	socket.Abort()
}

func TestExistsKnowsASocketByItsCookie(t *testing.T) {
	families(t, func(t *testing.T, tarpit *Tarpit, p *pit) {
		fd, local := pending(t, p)
		cookie, err := Cookie(fd)
		if err != nil {
			t.Fatal(err)
		}
		held := dup(t, fd)
		for _, tt := range []struct {
			name   string
			before func()
			cookie uint64
			want   bool
		}{
			{"connecting", func() {}, cookie, true},
			{"another cookie", func() {}, cookie + 1, false},
			{"one descriptor closed", func() { unix.Dup3(held, fd, unix.O_CLOEXEC) }, cookie, true},
			{"gone", func() { unix.Close(held); unix.Dup3(p.holder, fd, unix.O_CLOEXEC) }, cookie, false},
		} {
			tt.before()
			if found, err := Exists(local, p.address, tt.cookie); found != tt.want || err != nil {
				t.Errorf("%s: %v, %v", tt.name, found, err)
			}
		}
	})
}

func TestJoiningNobodyIsRefused(t *testing.T) {
	tarpit := open(t)
	fd, local := pending(t, tarpit.v4)
	// Its cleanup closes this number once more.
	if err := unix.Dup3(tarpit.v4.holder, fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if _, err := tarpit.Join(t.Context(), local); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}

func TestAwaitSynSent(t *testing.T) {
	looks := 0
	if err := AwaitSynSent(t.Context(), func() (State, error) {
		looks++
		if looks < 3 {
			return Closed, nil
		}
		return SynSent, nil
	}); err != nil || looks != 3 {
		t.Errorf("%v after %d looks", err, looks)
	}
	if err := AwaitSynSent(t.Context(), func() (State, error) { return Established, nil }); err == nil {
		t.Error("a connected socket waits for a connection")
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if err := AwaitSynSent(ctx, func() (State, error) { return Closed, nil }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestTheHoldersKeepTheAddress(t *testing.T) {
	tarpit := open(t)
	v4, _ := tarpit.Addresses()
	held := dup(t, tarpit.Holders()[0])
	defer unix.Close(held)
	tarpit.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, sockaddr(v4)); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("another socket was bound there: %v", err)
	}
}

func TestNoDescriptorIsLeft(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	// The poller has descriptors of its own from its first use on.
	round := func() {
		tarpit := open(t)
		if v4, _ := tarpit.Probe(); v4 != nil {
			t.Fatal(v4)
		}
		tarpit.Prepare(netip.IPv4Unspecified())
		fd, local, err := tarpit.v4.pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		socket, err := tarpit.Join(t.Context(), local)
		if err != nil {
			t.Fatal(err)
		}
		socket.Close()
		unix.Close(fd)
		tarpit.Prepare(netip.IPv4Unspecified())
		tarpit.Close()
	}
	round()
	before := count()
	round()
	if after := count(); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// BenchmarkJoin is what a program waits for when its dial has succeeded.
func BenchmarkJoin(b *testing.B) {
	tarpit := open(b)
	var joining time.Duration
	for b.Loop() {
		fd, local, err := tarpit.v4.pending(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		tarpit.Prepare(local.Addr())
		started := time.Now()
		var socket *splice.Socket
		if socket, err = tarpit.Join(b.Context(), local); err != nil {
			b.Fatal(err)
		}
		joining += time.Since(started)
		socket.Abort()
		unix.Close(fd)
	}
	b.ReportMetric(float64(joining.Nanoseconds())/float64(b.N), "ns/join")
}
