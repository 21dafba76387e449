package dialtest

import (
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a program's TCP socket.
type Socket struct {
	t      testing.TB
	FD     int
	Cookie uint64
}

// NewSocket returns a blocking IPv4 socket, or one that does not block with SOCK_NONBLOCK as its flag.
func NewSocket(t testing.TB, flags int) *Socket {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &Socket{t: t, FD: fd}
	t.Cleanup(s.Close)
	s.prepare()
	return s
}

// Plain returns a blocking IPv4 socket that the test closes itself.
func Plain(t testing.TB) *Socket {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &Socket{t: t, FD: fd}
}

func (s *Socket) prepare() {
	s.t.Helper()
	// So that a test fails where a program would hang.
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		timeout := unix.NsecToTimeval(int64(patience))
		if err := unix.SetsockoptTimeval(s.FD, unix.SOL_SOCKET, option, &timeout); err != nil {
			s.t.Fatal(err)
		}
	}
	var err error
	if s.Cookie, err = unix.GetsockoptUint64(s.FD, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil {
		s.t.Fatal(err)
	}
}

// Connect does what the library's connect() does with a destination.
func (s *Socket) Connect(p *Program, destination netip.AddrPort) error {
	s.t.Helper()
	p.Dial(s.FD, destination)
	return s.ConnectTarpit(p)
}

// ConnectTarpit makes the kernel's connect().
func (s *Socket) ConnectTarpit(p *Program) error {
	// Go's signals interrupt; a program's connect() is restarted by SA_RESTART, and with SO_SNDTIMEO it is not.
	for {
		err := unix.Connect(s.FD, p.Tarpit(false))
		switch err {
		case unix.EINTR, unix.EALREADY:
			if s.Poll(unix.POLLOUT) == 0 {
				return unix.ETIMEDOUT
			}
			if errno := s.Error(); errno != 0 {
				return errno
			}
		case unix.EISCONN:
			return nil
		default:
			return err
		}
	}
}

// Poll waits for events and returns those that came, 0 for none in time.
func (s *Socket) Poll(events int16) int16 {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		fds := []unix.PollFd{{Fd: int32(s.FD), Events: events}}
		_, err := unix.Poll(fds, int(time.Until(deadline).Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return fds[0].Revents
	}
}

// Pending reports whether poll shows nothing yet.
func (s *Socket) Pending() bool {
	s.t.Helper()
	fds := []unix.PollFd{{Fd: int32(s.FD), Events: unix.POLLOUT}}
	if _, err := unix.Poll(fds, 0); err != nil && err != unix.EINTR {
		s.t.Fatal(err)
	}
	return fds[0].Revents == 0
}

// Error returns SO_ERROR, which that clears.
func (s *Socket) Error() syscall.Errno {
	s.t.Helper()
	errno, err := unix.GetsockoptInt(s.FD, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		s.t.Fatal(err)
	}
	return syscall.Errno(errno)
}

// Port returns the socket's own.
func (s *Socket) Port() uint16 {
	s.t.Helper()
	name, err := unix.Getsockname(s.FD)
	if err != nil {
		s.t.Fatal(err)
	}
	return uint16(name.(*unix.SockaddrInet4).Port)
}

// Write writes all of text.
func (s *Socket) Write(text string) {
	s.t.Helper()
	if n, err := unix.Write(s.FD, []byte(text)); n != len(text) || err != nil {
		s.t.Fatalf("wrote %d bytes: %v", n, err)
	}
}

// Read reads once; "" is the end.
func (s *Socket) Read() (string, error) {
	buffer := make([]byte, 4096)
	for {
		n, err := unix.Read(s.FD, buffer)
		if err != unix.EINTR {
			return string(buffer[:max(n, 0)]), err
		}
	}
}

// Dup returns another descriptor of it, as a forked child or a receiver of SCM_RIGHTS has one.
func (s *Socket) Dup() *Socket {
	s.t.Helper()
	other := &Socket{t: s.t, FD: dup(s.t, s.FD), Cookie: s.Cookie}
	s.t.Cleanup(other.Close)
	return other
}

// Disconnect takes a connect() back: connect(2), AF_UNSPEC.
func (s *Socket) Disconnect() {
	s.t.Helper()
	unspecified := unix.RawSockaddrInet4{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.FD), uintptr(unsafe.Pointer(&unspecified)), unix.SizeofSockaddrInet4)
	if errno != 0 {
		s.t.Fatal(errno)
	}
}

// Close closes this descriptor.
func (s *Socket) Close() {
	if s.FD >= 0 {
		unix.Close(s.FD)
		s.FD = -1
	}
}
