package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
)

// Code says what kind of failure an error is. It is a contract; the text of an error is not.
type Code string

// The codes of channel version 1. Their SOCKS5 replies and errnos are in
// packages/sidecar/vectors/errors.json.
const (
	Refused      Code = "refused"
	Unreachable  Code = "unreachable"
	NoSuchHost   Code = "no-such-host"
	TimedOut     Code = "timed-out"
	Denied       Code = "denied"
	NotConnected Code = "not-connected"
	ExitNodeDown Code = "exit-node-down"
	NoRoute      Code = "no-route"
	Busy         Code = "busy"
	Aborted      Code = "aborted"
	Protocol     Code = "protocol"
	Internal     Code = "internal"
)

// Codes returns every code.
func Codes() []Code {
	return []Code{
		Refused, Unreachable, NoSuchHost, TimedOut, Denied, NotConnected,
		ExitNodeDown, NoRoute, Busy, Aborted, Protocol, Internal,
	}
}

func (c Code) check() error { return oneOf(c, Codes()...) }

// Error is a failure as the channel carries it.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`

	cause error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns what caused e on this side of the channel, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error with the same code and no message, so that
// errors.Is(err, &message.Error{Code: message.Busy}) asks for a code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Code == e.Code
}

// Errorf returns an Error with a code. An operand of %w becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// Wrap gives err a code, keeping its text; nil stays nil.
func Wrap(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// FromError returns err as the channel carries it. A code given further inside by Errorf or Wrap is
// kept, with the text of the whole; errors of Go, of the kernel and of gVisor's stack get the code
// of the same meaning; anything else is internal. FromError(nil) is nil.
func FromError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Code: CodeOf(err), Message: err.Error(), cause: err}
}

// CodeOf returns the code FromError would give err.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return codeOfErrno(errno)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return NoSuchHost
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return Aborted
	case errors.Is(err, os.ErrPermission):
		return Denied
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		if code, ok := codeOfStack(op.Err.Error()); ok {
			return code
		}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return TimedOut
	}
	return Internal
}

func codeOfErrno(errno syscall.Errno) Code {
	switch errno {
	case syscall.ECONNREFUSED:
		return Refused
	case syscall.EHOSTUNREACH, syscall.EHOSTDOWN:
		return Unreachable
	case syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT:
		return NoRoute
	case syscall.ETIMEDOUT:
		return TimedOut
	case syscall.EACCES, syscall.EPERM:
		return Denied
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ECANCELED:
		return Aborted
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return Busy
	}
	return Internal
}

// codeOfStack knows the errors of gVisor's gonet, which carry the text of a tcpip.Error and nothing
// else. The test holds the texts to those of the package.
func codeOfStack(text string) (Code, bool) {
	switch text {
	case "connection was refused":
		return Refused, true
	case "no route to host", "host is unreachable", "host is down":
		return Unreachable, true
	case "network is unreachable", "network is down", "bad local address":
		return NoRoute, true
	case "operation timed out", "connection timed out":
		return TimedOut, true
	case "connection reset by peer", "connection aborted", "operation aborted", "endpoint is closed for send",
		"endpoint is closed for receive", "endpoint was closed":
		return Aborted, true
	case "no ports are available", "no buffer space available":
		return Busy, true
	}
	return "", false
}

func oneOf[T ~string](value T, values ...T) error {
	if slices.Contains(values, value) {
		return nil
	}
	return fmt.Errorf("must be one of %q", values)
}
