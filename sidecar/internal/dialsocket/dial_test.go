package dialsocket

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// echo answers a joined connection once.
func (f *fixture) echo(t testing.TB) {
	socket := within(t, "the connection", f.joined)
	buffer := make([]byte, 100)
	n, err := socket.Read(buffer)
	if err != nil {
		t.Error(err)
	}
	if _, err := socket.Write(buffer[:n]); err != nil {
		t.Error(err)
	}
	if err := socket.Close(); err != nil {
		t.Error(err)
	}
}

func checkEcho(t testing.TB, f *fixture, s *dialtest.Socket) {
	t.Helper()
	s.Write("ping")
	f.echo(t)
	s.Poll(unix.POLLIN)
	if got, err := s.Read(); got != "ping" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if got, err := s.Read(); got != "" || err != nil {
		t.Errorf("at the end read %q, %v", got, err)
	}
}

func TestABlockingConnectSucceeds(t *testing.T) {
	f := serve(t)
	f.decideBy(func(*Dial) error { return nil })
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, destination); err != nil {
		t.Fatal(err)
	}
	if got := p.Peer(s.Port(), s.Cookie); got != destination {
		t.Errorf("the board has the peer %v", got)
	}
	checkEcho(t, f, s)
}

func TestANonBlockingConnectStaysUnderWayWhileItIsDialled(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	if err := s.Connect(p, destination); !errors.Is(err, unix.EINPROGRESS) {
		t.Fatalf("connect gave %v", err)
	}
	dial := within(t, "the dial", f.dials)
	if dial.dial.Destination != destination || dial.dial.Cookie != s.Cookie || dial.dial.Source().Port() != s.Port() {
		t.Errorf("the dial is %+v", dial.dial)
	}
	if !s.Pending() {
		t.Error("poll shows something before the dial is done")
	}
	dial.result <- nil
	if events := s.Poll(unix.POLLOUT); events != unix.POLLOUT {
		t.Errorf("poll shows %#x", events)
	}
	if errno := s.Error(); errno != 0 {
		t.Errorf("SO_ERROR is %v", errno)
	}
	within(t, "the connection", f.joined).Abort()
}

func TestAFailureIsOnTheBoardBeforeTheProgramSeesIt(t *testing.T) {
	for _, code := range message.Codes() {
		t.Run(string(code), func(t *testing.T) {
			f := serve(t)
			f.decideBy(func(*Dial) error { return message.Errorf(code, "no") })
			p := dialtest.Must(t, f.path, token)
			s := dialtest.NewSocket(t, 0)
			if err := s.Connect(p, destination); !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("connect gave %v", err)
			}
			if got := p.Failure(s.Cookie); got != code.Errno() {
				t.Errorf("the board has %v", got)
			}
		})
	}
}

func TestASocketIsDialledAgainAfterAFailure(t *testing.T) {
	f := serve(t)
	f.decideBy(func(*Dial) error { return message.Errorf(message.Refused, "no") })
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, 0)
	for range 3 {
		if err := s.Connect(p, destination); !errors.Is(err, unix.ECONNRESET) {
			t.Fatalf("connect gave %v", err)
		}
	}
	f.decideBy(func(*Dial) error { return nil })
	if err := s.Connect(p, destination); err != nil {
		t.Fatal(err)
	}
	if got := p.Failure(s.Cookie); got != 0 {
		t.Errorf("the board still has %v", got)
	}
	checkEcho(t, f, s)
}

func TestClosingTheSocketGivesTheDialUp(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(p, destination)
	within(t, "the dial", f.dials)
	s.Close()
	p.Cancel(s.Cookie)
	if err := within(t, "the end", f.failed); !errors.Is(err, ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
	if got := p.Failure(s.Cookie); got != 0 {
		t.Errorf("the board has %v for a socket that is gone", got)
	}
}

func TestClosingOneDescriptorOfSeveralGivesNothingUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result error
	}{
		{"success", nil},
		{"failure", message.Errorf(message.Refused, "no")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t)
			p := dialtest.Must(t, f.path, token)
			s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
			_ = s.Connect(p, destination)
			dial := within(t, "the dial", f.dials)
			other := s.Dup()
			s.Close()
			p.Cancel(s.Cookie)
			p.Resolve("so that the message before has been looked at")
			if dial.ctx.Err() != nil {
				t.Fatal("the dial was given up")
			}
			dial.result <- tt.result
			other.Poll(unix.POLLOUT)
			if tt.result == nil {
				checkEcho(t, f, other)
				return
			}
			if errno := other.Error(); errno != unix.ECONNRESET {
				t.Errorf("SO_ERROR is %v", errno)
			}
			if got := p.Failure(other.Cookie); got != unix.ECONNREFUSED {
				t.Errorf("the board has %v", got)
			}
		})
	}
}

func TestADialOutlivesTheProcessWhileAnotherHasItsSocket(t *testing.T) {
	f := serve(t)
	parent := dialtest.Must(t, f.path, token)
	child := parent.Fork(token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(parent, destination)
	dial := within(t, "the dial", f.dials)
	inherited := s.Dup()
	s.Close()
	parent.Close()
	within(t, "the channel's end", f.closed)
	if dial.ctx.Err() != nil {
		t.Fatal("the dial was given up")
	}
	// The last one to have it says so, though another has asked for the dial.
	inherited.Close()
	child.Cancel(s.Cookie)
	if err := within(t, "the end", f.failed); !errors.Is(err, ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheLastProcessesDeathGivesTheDialUp(t *testing.T) {
	f := serve(t)
	parent := dialtest.Must(t, f.path, token)
	child := parent.Fork(token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(parent, destination)
	dial := within(t, "the dial", f.dials)
	inherited := s.Dup()
	s.Close()
	parent.Close()
	within(t, "the parent's end", f.closed)
	if dial.ctx.Err() != nil {
		t.Fatal("the dial was given up")
	}
	inherited.Close()
	child.Close()
	if err := within(t, "the end", f.failed); !errors.Is(err, ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAProcessesDeathGivesItsDialsUp(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	for range 10 {
		s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
		_ = s.Connect(p, destination)
		within(t, "the dial", f.dials)
		s.Close()
	}
	p.Close()
	for range 10 {
		if err := within(t, "the end", f.failed); !errors.Is(err, ErrClosed) {
			t.Errorf("it ended with %v", err)
		}
	}
}

// The library's HOLD lies unread in the program's queue, and so its end is a reset.
func TestADialIsMadeThoughItsProcessEndsAtOnce(t *testing.T) {
	f := serve(t)
	f.decideBy(func(*Dial) error { return message.Errorf(message.Refused, "no") })
	for range 50 {
		p := dialtest.Must(t, f.path, token)
		s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
		if err := s.Connect(p, destination); !errors.Is(err, unix.EINPROGRESS) {
			t.Fatalf("connect gave %v", err)
		}
		inherited := s.Dup()
		s.Close()
		p.Close()
		events := inherited.Poll(unix.POLLOUT)
		// Never as if it had been connected.
		if errno := inherited.Error(); errno != unix.ECONNRESET {
			t.Fatalf("poll shows %#x, SO_ERROR is %v", events, errno)
		}
		if got := p.Failure(inherited.Cookie); got != unix.ECONNREFUSED {
			t.Errorf("the board has %v", got)
		}
	}
}

func TestClosingAllDescriptorsLeavesTheDialOfAThreadThatIsAboutToConnect(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, 0)
	p.Dial(s.FD, destination)
	dial := within(t, "the dial", f.dials)
	p.Cancel(0)
	other := p.Fork(token)
	other.Close()
	within(t, "another process's end", f.closed)
	dial.result <- nil
	if err := s.ConnectTarpit(p); err != nil {
		t.Fatalf("connect gave %v", err)
	}
	checkEcho(t, f, s)
}

func TestAProgramThatWasStoppedIsWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result error
		want   error
	}{
		{"success", nil, nil},
		{"failure", message.Errorf(message.Refused, "no"), unix.ECONNRESET},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t)
			p := dialtest.Must(t, f.path, token)
			s := dialtest.NewSocket(t, 0)
			p.Dial(s.FD, destination)
			dial := within(t, "the dial", f.dials)
			if dial.dial.Source().IsValid() {
				t.Error("it has a source already")
			}
			dial.result <- tt.result
			p.Resolve("some time passes")
			if err := s.ConnectTarpit(p); !errors.Is(err, tt.want) {
				t.Errorf("connect gave %v", err)
			}
		})
	}
}

func TestASocketThatNeverConnectsIsLetGo(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, 0)
	p.Dial(s.FD, destination)
	dial := within(t, "the dial", f.dials)
	dial.result <- nil
	s.Close()
	p.Cancel(s.Cookie)
	if err := within(t, "the end", f.failed); !errors.Is(err, ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAYoungerDialOfTheSameSocketTakesItsPlace(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(p, netip.MustParseAddrPort("100.64.0.9:9"))
	older := within(t, "the dial", f.dials)
	s.Disconnect()
	_ = s.Connect(p, destination)
	younger := within(t, "the second dial", f.dials)
	if err := within(t, "the end of the first", f.failed); !errors.Is(err, ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
	if younger.ctx.Err() != nil || older.ctx.Err() == nil {
		t.Error("the wrong one was given up")
	}
	younger.result <- nil
	s.Poll(unix.POLLOUT)
	if got := p.Peer(s.Port(), s.Cookie); got != destination {
		t.Errorf("the board has the peer %v", got)
	}
	within(t, "the connection", f.joined).Abort()
}

// prepared is the descriptor that is made for the next join, some time after the last.
const prepared = 1

func TestOnlyFreshTCPSocketsAreDialled(t *testing.T) {
	f := serve(t)
	f.decideBy(func(*Dial) error { return nil })
	p := dialtest.Must(t, f.path, token)
	connected := dialtest.NewSocket(t, 0)
	if err := connected.Connect(p, destination); err != nil {
		t.Fatal(err)
	}
	joined := within(t, "the connection", f.joined)
	defer joined.Abort()
	before := descriptors(t) + prepared
	f.decideBy(func(d *Dial) error {
		t.Errorf("a dial came for %v", d.Destination)
		return nil
	})
	p.Dial(connected.FD, destination)
	for _, kind := range [][3]int{
		{unix.AF_INET, unix.SOCK_DGRAM, 0}, {unix.AF_UNIX, unix.SOCK_STREAM, 0}, {unix.AF_NETLINK, unix.SOCK_RAW, 0},
		{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
	} {
		fd, err := unix.Socket(kind[0], kind[1]|unix.SOCK_CLOEXEC, kind[2])
		if err != nil {
			continue
		}
		p.Dial(fd, destination)
		unix.Close(fd)
	}
	p.Resolve("so that all of them have been looked at")
	until(t, "the end of the descriptors", func() bool { return descriptors(t) <= before })
	connected.Write("it still is connected")
}

func TestTheEndOfARunFailsItsDials(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(p, destination)
	within(t, "the dial", f.dials)
	ended := message.Errorf(message.Aborted, "the run has ended")
	f.end(ended)
	if err := within(t, "the end", f.failed); !errors.Is(err, ended) {
		t.Errorf("it ended with %v", err)
	}
	if events := s.Poll(unix.POLLOUT); events&unix.POLLERR == 0 || s.Error() != unix.ECONNRESET {
		t.Errorf("poll shows %#x", events)
	}
	if got := p.Failure(s.Cookie); got != message.Aborted.Errno() {
		t.Errorf("the board has %v", got)
	}
	if err := p.Closed(); err != nil {
		t.Error(err)
	}
}

func TestTheEndOfTheServerFailsAllDials(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(p, destination)
	within(t, "the dial", f.dials)
	f.server.Close()
	if errno := s.Error(); errno != unix.ECONNRESET {
		t.Errorf("SO_ERROR is %v", errno)
	}
	if got := p.Failure(s.Cookie); got != message.Aborted.Errno() {
		t.Errorf("the board has %v", got)
	}
	if err := p.BootstrapClosed(); err != nil {
		t.Error(err)
	}
}

func TestNoDescriptorIsLeftOfDials(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	var count atomic.Int32
	f.decideBy(func(*Dial) error {
		if count.Add(1)%2 != 0 {
			return message.Errorf(message.Refused, "no")
		}
		return nil
	})
	round := func() {
		for range 20 {
			s := dialtest.NewSocket(t, 0)
			if s.Connect(p, destination) == nil {
				within(t, "the connection", f.joined).Abort()
			} else {
				within(t, "the failure", f.failed)
			}
			s.Close()
		}
	}
	round()
	before := descriptors(t) + prepared
	round()
	until(t, "the end of the descriptors", func() bool { return descriptors(t) <= before })
}
