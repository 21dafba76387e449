package netstack

import (
	"fmt"
	"net/netip"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// Error is a failure of the stack. Errno is what the kernel would have said, so that errors.Is(err,
// syscall.ECONNRESET) tells a peer's reset from an orderly end.
type Error struct {
	Op     string
	Remote netip.AddrPort
	Errno  syscall.Errno
	reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %v: %s", e.Op, e.Remote, e.reason)
}

func (e *Error) Unwrap() error { return e.Errno }

func errnoOf(err tcpip.Error) syscall.Errno {
	switch err.(type) {
	case *tcpip.ErrConnectionRefused:
		return syscall.ECONNREFUSED
	case *tcpip.ErrConnectionReset:
		return syscall.ECONNRESET
	case *tcpip.ErrConnectionAborted, *tcpip.ErrAborted:
		return syscall.ECONNABORTED
	case *tcpip.ErrTimeout:
		return syscall.ETIMEDOUT
	case *tcpip.ErrHostUnreachable, *tcpip.ErrHostDown:
		return syscall.EHOSTUNREACH
	case *tcpip.ErrNetworkUnreachable, *tcpip.ErrNoNet:
		return syscall.ENETUNREACH
	case *tcpip.ErrBadLocalAddress:
		return syscall.EADDRNOTAVAIL
	case *tcpip.ErrClosedForSend, *tcpip.ErrClosedForReceive:
		return syscall.EPIPE
	case *tcpip.ErrNoPortAvailable, *tcpip.ErrNoBufferSpace:
		return syscall.ENOBUFS
	case *tcpip.ErrPortInUse:
		return syscall.EADDRINUSE
	case *tcpip.ErrNotConnected:
		return syscall.ENOTCONN
	case *tcpip.ErrMessageTooLong:
		return syscall.EMSGSIZE
	}
	return syscall.EIO
}

func newError(op string, remote netip.AddrPort, err tcpip.Error) error {
	return &Error{Op: op, Remote: remote, Errno: errnoOf(err), reason: err.String()}
}
