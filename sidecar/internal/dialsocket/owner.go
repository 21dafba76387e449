package dialsocket

import (
	"context"
	"net/netip"
)

// Runs knows the wrapped commands by their tokens.
type Runs interface {
	// Hello returns the run with a token, which it compares in constant time with all there are. The process has
	// opened a channel when it does not fail.
	Hello(token []byte, pid int) (Run, error)
	// Family is told that processes of the run with a token hold a bootstrap, until they have called left.
	Family(token []byte) (left func(), err error)
}

// Run is one wrapped command. Its methods are called from a goroutine each.
type Run interface {
	// Context ends with the run. Its cause is what the run's dials fail with.
	Context() context.Context
	Welcome() Welcome
	// Dial ends with one call of the dial's Join or Fail. ctx ends with the run, and with ErrClosed as its cause
	// when the program has closed its socket.
	Dial(ctx context.Context, dial *Dial)
	Resolve(ctx context.Context, name string, want4, want6 bool) Addresses
	Reverse(ctx context.Context, addr netip.Addr) Names
	// Query answers a DNS message; nil is no answer.
	Query(ctx context.Context, query []byte) []byte
	// Flow returns the flow socket's address.
	Flow(ctx context.Context, flow Flow) (netip.AddrPort, error)
	// Control connects to the run's control socket and returns the connection's descriptor, which is the caller's.
	// ENOENT: the run has none.
	Control(ctx context.Context) (fd int, err error)
	// Closed is told that a process is done with its channel.
	Closed(pid int)
}

// Flow is asked for by a program that has a datagram for a destination it had none for yet.
type Flow struct {
	Destination netip.AddrPort
	PID         int
	// Cookie is the SO_COOKIE of the program's socket.
	Cookie uint64
	// Socket is a duplicate of it, which whoever gets the Flow closes.
	Socket int
}
