package datagram

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const (
	// DefaultLimit is how many flows there may be. Each has a descriptor and, while it is in use, an endpoint.
	DefaultLimit = 4096
	// DefaultIdle is how long a far side is kept with nothing to carry: RFC 4787 section 4.3.
	DefaultIdle = 5 * time.Minute
	// ResolverIdle is that of DNS, whose answers come soon or never.
	ResolverIdle = time.Minute
	// SweepInterval is how often is looked what may be closed.
	SweepInterval = time.Minute
	// reapPause is how long is between two looks for flows whose sockets are gone when there are too many.
	reapPause = time.Second
)

// Board is where programs look flows up.
type Board interface {
	// SetFlow is false when there is no room.
	SetFlow(flow netip.AddrPort, cookie uint64, destination netip.AddrPort) bool
	ClearFlow(flow netip.AddrPort, cookie uint64, destination netip.AddrPort)
}

// Request is what a program asks for.
type Request struct {
	// Owner is what the flow ends with, for the cause that it has.
	Owner context.Context
	// PID is the process that asks.
	PID int
	// Cookie is SO_COOKIE of the program's socket.
	Cookie uint64
	// Program is a duplicate of that socket. It is the table's from then on.
	Program     int
	Destination netip.AddrPort
	// Idle is DefaultIdle when it is zero.
	Idle time.Duration
	// Dial opens the far side without waiting for the destination, or says why it may not be. It is called again
	// when there is something to send after the far side was closed.
	Dial func(ctx context.Context) (Opened, error)
}

// Table has the flows.
type Table struct {
	Board Board
	// Limit is DefaultLimit when it is zero. One more makes the flow go that was idle for longest.
	Limit int
	// RefusalWait is refusalWait when it is zero.
	RefusalWait time.Duration
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Failed, if not nil, is told what is nobody else's to know.
	Failed func(error)

	pool    Pool
	foreign atomic.Uint64
	tasks   sync.WaitGroup

	mu     sync.Mutex
	flows  map[flowKey]*entry
	reaped time.Time
	ended  chan struct{} // closed by Close
	closed bool
}

type flowKey struct {
	cookie      uint64
	destination netip.AddrPort
}

// entry is a flow, or one that is being made.
type entry struct {
	ready chan struct{}
	flow  *flow
	err   error
}

func (t *Table) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

func (t *Table) failed(err error) {
	if t.Failed != nil {
		t.Failed(err)
	}
}

var errClosed = message.Errorf(message.Aborted, "the sidecar ended")

// Open returns the flow socket for a program's socket and a destination; the same for the same. When it returns the
// board has it.
func (t *Table) Open(ctx context.Context, request Request) (netip.AddrPort, error) {
	held := program{request.Program}
	request.Destination = netip.AddrPortFrom(request.Destination.Addr().Unmap(), request.Destination.Port())
	key := flowKey{request.Cookie, request.Destination}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		held.release()
		return netip.AddrPort{}, errClosed
	}
	t.tasks.Add(1)
	defer t.tasks.Done()
	known, ok := t.flows[key]
	if !ok {
		t.startLocked()
		known = &entry{ready: make(chan struct{})}
		t.flows[key] = known
	}
	t.mu.Unlock()
	if ok {
		held.release()
		return known.await(ctx)
	}
	t.makeRoom()
	made, err := t.make(ctx, request, held)
	t.mu.Lock()
	if err == nil && t.closed {
		err = errClosed
	}
	if err == nil {
		// Not before the table has the flow: the owner may have ended already.
		made.stay = context.AfterFunc(request.Owner, func() { t.close(made, context.Cause(request.Owner)) })
	} else {
		delete(t.flows, key)
	}
	known.flow, known.err = made, err
	t.mu.Unlock()
	close(known.ready)
	if err != nil {
		if made != nil {
			t.take(made, err)
		}
		return netip.AddrPort{}, err
	}
	t.tasks.Go(made.up)
	return made.socket.address, nil
}

func (e *entry) await(ctx context.Context) (netip.AddrPort, error) {
	select {
	case <-e.ready:
	case <-ctx.Done():
		return netip.AddrPort{}, context.Cause(ctx)
	}
	if e.err != nil {
		return netip.AddrPort{}, e.err
	}
	e.flow.touch()
	return e.flow.socket.address, nil
}

// make makes a flow that carries nothing yet.
func (t *Table) make(ctx context.Context, request Request, held program) (*flow, error) {
	if request.Idle == 0 {
		request.Idle = DefaultIdle
	}
	opened, err := request.Dial(ctx)
	if err != nil {
		held.release()
		return nil, err
	}
	f := &flow{table: t, request: request, program: held, stay: func() bool { return true }}
	f.ctx, f.cancel = context.WithCancelCause(request.Owner)
	f.touch()
	if f.socket, err = openSocket(&f.program, request.Destination.Addr()); err == nil {
		if err = f.identify(); err != nil {
			f.socket.close()
		}
	}
	if err != nil {
		f.cancel(err)
		f.program.release()
		newFar(opened).close(err)
		return nil, err
	}
	if f.peer.Port() != 0 {
		f.program.release()
	}
	f.mu.Lock()
	f.attach(opened)
	f.mu.Unlock()
	if !t.Board.SetFlow(f.socket.address, request.Cookie, request.Destination) {
		err = message.Errorf(message.Busy, "there is no room on the board for a flow to %v", request.Destination)
	}
	return f, err
}

// close ends a flow.
func (t *Table) close(f *flow, err error) {
	t.mu.Lock()
	key := flowKey{f.request.Cookie, f.request.Destination}
	if known, ok := t.flows[key]; ok && known.flow == f {
		delete(t.flows, key)
	}
	t.mu.Unlock()
	t.take(f, err)
}

// take ends a flow that the table does not have any more. The board forgets it first, so that nobody is sent there.
func (t *Table) take(f *flow, err error) {
	t.Board.ClearFlow(f.socket.address, f.request.Cookie, f.request.Destination)
	f.end(err)
}

// Foreign returns how many datagrams were dropped because they were not from the program's socket.
func (t *Table) Foreign() uint64 { return t.foreign.Load() }

// Len returns how many flows there are.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.flows)
}

// Close ends all flows and those to come, and returns when nothing of them is left.
func (t *Table) Close() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		if t.ended != nil {
			close(t.ended)
		}
	}
	t.mu.Unlock()
	for _, f := range t.all(func(*flow) bool { return true }) {
		t.close(f, errClosed)
	}
	t.tasks.Wait()
}

func (t *Table) all(wanted func(*flow) bool) []*flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*flow
	for _, known := range t.flows {
		if known.flow != nil && wanted(known.flow) {
			found = append(found, known.flow)
		}
	}
	return found
}
