package tarpit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// probeLimit bounds each wait of a probe. All of it takes under a millisecond where it works.
const probeLimit = time.Second

// Probe tries once whether this kernel lets programs be connected by way of the tarpits. It returns nil for a family that
// works, or why it does not.
func (t *Tarpit) Probe() (v4, v6 error) {
	return t.v4.probe(), t.v6.probe()
}

var errMissing = errors.New("the host has no such loopback address")

func (p *pit) probe() error {
	if p == nil {
		return errMissing
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), probeLimit, fmt.Errorf("it took longer than %v", probeLimit))
	defer cancel()
	if err := p.probeFailure(ctx); err != nil {
		return err
	}
	return p.probeJoin(ctx)
}

func (p *pit) probeFailure(ctx context.Context) error {
	fd, local, err := p.pending(ctx)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	cookie, err := Cookie(fd)
	if err != nil {
		return fmt.Errorf("asking for a socket's cookie: %w", err)
	}
	found, err := Exists(local, p.address, cookie)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("sock_diag(7) does not find a socket that is connecting")
	}
	if err := p.refuse(ctx, local, cookie); err != nil {
		return fmt.Errorf("failing a connection: %w", err)
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if unix.Errno(errno) != unix.ECONNRESET {
		return fmt.Errorf("a connection that was failed has error %d", errno)
	}
	return nil
}

func (p *pit) probeJoin(ctx context.Context) error {
	program, local, err := p.pending(ctx)
	if err != nil {
		return err
	}
	defer unix.Close(program)
	joined, err := p.join(ctx, local)
	if err != nil {
		return fmt.Errorf("completing a connection: %w", err)
	}
	defer unix.Close(joined)
	return inState(program, Established)
}

func inState(fd int, want State) error {
	state, err := StateOf(fd)
	if err != nil {
		return err
	}
	if state != want {
		return fmt.Errorf("a socket that connects to the tarpit is in state %d and not %d", state, want)
	}
	return nil
}

// pending returns a socket that is connecting to the tarpit, after the tarpit has dropped its first segment.
func (p *pit) pending(ctx context.Context) (int, netip.AddrPort, error) {
	family := unix.AF_INET6
	if p.address.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	err = p.connectTo(ctx, fd)
	if err == nil {
		err = inState(fd, SynSent)
	}
	var local netip.AddrPort
	if err == nil {
		local, err = Local(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, netip.AddrPort{}, err
	}
	return fd, local, nil
}

func (p *pit) connectTo(ctx context.Context, fd int) error {
	before, err := drops(p.listener)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, sockaddr(p.address)); !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connecting to the tarpit does not stay under way: %v", err)
	}
	for pause := newPause(); ; {
		now, err := drops(p.listener)
		if err != nil || now != before {
			return err
		}
		if err := pause.wait(ctx); err != nil {
			return fmt.Errorf("the tarpit drops nothing: %w", err)
		}
	}
}

// drops returns how many segments a socket has dropped: SO_MEMINFO, SK_MEMINFO_DROPS of linux/sock_diag.h.
func drops(fd int) (uint32, error) {
	const drops, words = 8, 9
	var info [words]uint32
	if err := getMemInfo(fd, &info); err != nil {
		return 0, fmt.Errorf("asking for a socket's drops: %w", err)
	}
	return info[drops], nil
}
