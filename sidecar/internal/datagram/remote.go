package datagram

import (
	"errors"
	"net/netip"
	"syscall"
)

// Remote is the far side of a flow: connected to its destination.
type Remote interface {
	// next waits for datagrams and returns them in a batch of pool, which is only taken when there are some. The
	// caller gives it back. ECONNREFUSED is the destination's ICMP and no end.
	next(pool *Pool) (*Batch, error)
	// send sends a batch. ECONNREFUSED is no end.
	send(batch *Batch) error
	// Close wakes whoever waits. It may be called more than once.
	Close()
	// Local is our end's address.
	Local() netip.AddrPort
}

func isRefusal(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
