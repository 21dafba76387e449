package tarpit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Refuse makes the connect() of the program's socket with this local address and cookie fail with ECONNRESET, without a
// descriptor of it. At no moment it looks connected, and it can connect again.
//
// A first SYN takes the program's socket to SYN_RECEIVED, where it waits as before, and its answer is dropped. A second
// one with another sequence number is answered by an acknowledgement of the first (RFC 5961, section 4.2), to which our
// kernel's only answer is a reset (RFC 9293, section 3.10.7.3).
func (t *Tarpit) Refuse(ctx context.Context, local netip.AddrPort, cookie uint64) error {
	p, err := t.of(local.Addr())
	if err != nil {
		return err
	}
	if err := p.refuse(ctx, local, cookie); err != nil {
		return fmt.Errorf("refusing %v: %w", local, err)
	}
	return nil
}

func (p *pit) refuse(ctx context.Context, local netip.AddrPort, cookie uint64) error {
	first, err := p.knock(ctx, local, true)
	if err != nil {
		return err
	}
	// Only one socket at a time has these two addresses.
	unix.Close(first)
	second, err := p.knock(ctx, local, false)
	if err != nil {
		return err
	}
	// If it was connected nevertheless, this is the reset.
	defer unix.Close(second)
	for pause := newPause(); ; {
		// Over loopback it is done already, unless the program is in a call with its socket.
		waiting, err := Exists(local, p.address, cookie)
		if err != nil || !waiting {
			return err
		}
		if state, err := StateOf(second); err != nil || state == Established {
			return err
		}
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

// knock sends a SYN from the tarpit's address, with a socket that hears no answer when it is deaf.
func (p *pit) knock(ctx context.Context, local netip.AddrPort, deaf bool) (int, error) {
	fd, err := joiner(p.address)
	if err != nil {
		return -1, err
	}
	if deaf {
		err = dropAll(fd)
	}
	for pause := newPause(); err == nil; {
		err = unix.Connect(fd, sockaddr(local))
		switch {
		case err == nil, errors.Is(err, unix.EINPROGRESS):
			return fd, nil
		case errors.Is(err, unix.EADDRNOTAVAIL):
			// As in Join.
			err = pause.wait(ctx)
		}
	}
	unix.Close(fd)
	return -1, err
}
