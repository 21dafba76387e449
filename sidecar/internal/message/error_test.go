package message_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestFromError(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	stack := func(err tcpip.Error) error { return dial(errors.New(err.String())) }
	tests := []struct {
		name string
		err  error
		want message.Code
	}{
		{"refused", dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), message.Refused},
		{"host-unreachable", dial(syscall.EHOSTUNREACH), message.Unreachable},
		{"net-unreachable", dial(syscall.ENETUNREACH), message.NoRoute},
		{"timeout", dial(syscall.ETIMEDOUT), message.TimedOut},
		{"permission", dial(syscall.EACCES), message.Denied},
		{"reset", dial(syscall.ECONNRESET), message.Aborted},
		{"too-many-files", dial(syscall.EMFILE), message.Busy},
		{"no-such-host", &net.DNSError{IsNotFound: true}, message.NoSuchHost},
		{"dns-timeout", &net.DNSError{IsTimeout: true}, message.TimedOut},
		{"deadline", fmt.Errorf("dialling: %w", context.DeadlineExceeded), message.TimedOut},
		{"deadline-of-a-read", os.ErrDeadlineExceeded, message.TimedOut},
		{"canceled", fmt.Errorf("dialling: %w", context.Canceled), message.Aborted},
		{"closed", net.ErrClosed, message.Aborted},
		{"closed-pipe", io.ErrClosedPipe, message.Aborted},
		{"stack-refused", stack(&tcpip.ErrConnectionRefused{}), message.Refused},
		{"stack-host-unreachable", stack(&tcpip.ErrHostUnreachable{}), message.Unreachable},
		{"stack-host-down", stack(&tcpip.ErrHostDown{}), message.Unreachable},
		{"stack-net-unreachable", stack(&tcpip.ErrNetworkUnreachable{}), message.NoRoute},
		{"stack-bad-address", stack(&tcpip.ErrBadLocalAddress{}), message.NoRoute},
		{"stack-timeout", stack(&tcpip.ErrTimeout{}), message.TimedOut},
		{"stack-reset", stack(&tcpip.ErrConnectionReset{}), message.Aborted},
		{"stack-aborted", stack(&tcpip.ErrConnectionAborted{}), message.Aborted},
		{"stack-closed", stack(&tcpip.ErrClosedForReceive{}), message.Aborted},
		{"stack-no-ports", stack(&tcpip.ErrNoPortAvailable{}), message.Busy},
		{"stack-no-buffers", stack(&tcpip.ErrNoBufferSpace{}), message.Busy},
		{"own", fmt.Errorf("dial: %w", message.Errorf(message.ExitNodeDown, "exit is down")), message.ExitNodeDown},
		{"wrapped", message.Wrap(message.Denied, syscall.ECONNREFUSED), message.Denied},
		{"anything-else", io.ErrUnexpectedEOF, message.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := message.FromError(tt.err)
			if got.Code != tt.want || got.Message != tt.err.Error() {
				t.Errorf("got %s %q; want %s %q", got.Code, got.Message, tt.want, tt.err)
			}
			if !errors.Is(got, tt.err) {
				t.Error("the cause is lost")
			}
		})
	}
	if message.FromError(nil) != nil || message.Wrap(message.Busy, nil) != nil {
		t.Error("no error has become one")
	}
}

func TestErrorIs(t *testing.T) {
	err := fmt.Errorf("dial: %w", message.Errorf(message.Busy, "too many"))
	if !errors.Is(err, &message.Error{Code: message.Busy}) {
		t.Error("errors.Is does not see the code")
	}
	if errors.Is(err, &message.Error{Code: message.Denied}) {
		t.Error("errors.Is sees another code")
	}
}
