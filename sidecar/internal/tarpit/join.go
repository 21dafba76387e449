package tarpit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// Join completes the connect() of the program's socket with this local address, which is in [SynSent], and returns our end.
func (t *Tarpit) Join(ctx context.Context, local netip.AddrPort) (*splice.Socket, error) {
	p, err := t.of(local.Addr())
	if err != nil {
		return nil, err
	}
	pause := newPause()
	for {
		fd, err := p.join(ctx, local)
		if err == nil {
			return splice.NewSocket(fd, p.address, local)
		}
		// An old connection of the same two ports is in TIME_WAIT on our side; the kernel lets it be followed by a
		// new one within a second (tcp_tw_reuse, ip-sysctl.rst).
		if !errors.Is(err, unix.EADDRNOTAVAIL) || pause.wait(ctx) != nil {
			return nil, fmt.Errorf("joining %v: %w", local, err)
		}
	}
}

func (p *pit) join(ctx context.Context, local netip.AddrPort) (int, error) {
	fd, ok := p.spare.take()
	if !ok {
		var err error
		if fd, err = joiner(p.address); err != nil {
			return -1, err
		}
	}
	if err := establish(ctx, fd, local); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// establish returns when both ends are connected. Over loopback that is so when connect() is back, but for its own
// packets which it looks at last: the second connect() says so.
func establish(ctx context.Context, fd int, to netip.AddrPort) error {
	pause := newPause()
	address := sockaddr(to)
	for {
		err := unix.Connect(fd, address)
		switch {
		case err == nil, errors.Is(err, unix.EISCONN):
			return nil
		case !errors.Is(err, unix.EINPROGRESS) && !errors.Is(err, unix.EALREADY):
			return err
		case errors.Is(err, unix.EALREADY):
			if err := pause.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// AwaitSynSent returns when look says SynSent. The program sends its SYN right after it has asked for the dial, but may be
// stopped in between. look's own error ends the wait.
func AwaitSynSent(ctx context.Context, look func() (State, error)) error {
	pause := newPause()
	for {
		state, err := look()
		if err != nil {
			return err
		}
		switch state {
		case SynSent:
			return nil
		case Closed:
		default:
			return fmt.Errorf("the program's socket is in state %d and waits for no connection", state)
		}
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

// Pauses between looks at what another process or the kernel does within microseconds, or much later.
const (
	firstPause   = 10 * time.Microsecond
	longestPause = 20 * time.Millisecond
	// timerGrain is the shortest that Go's timers sleep in an idle process: its poller counts milliseconds.
	timerGrain = time.Millisecond
)

type pause struct{ next time.Duration }

func newPause() *pause { return &pause{firstPause} }

// wait sleeps, each time twice as long, or fails with the cause of ctx.
func (p *pause) wait(ctx context.Context) error {
	now := p.next
	p.next = min(2*p.next, longestPause)
	if now < timerGrain {
		request := unix.NsecToTimespec(int64(now))
		// A signal that ends it early makes the next look earlier.
		_ = unix.Nanosleep(&request, nil)
		return context.Cause(ctx)
	}
	timer := time.NewTimer(now)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
