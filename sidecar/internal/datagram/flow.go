package datagram

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// retryWait is how long a refusal to open the far side again stands: each datagram would ask otherwise.
const retryWait = time.Second

// flow is one program socket and one destination.
type flow struct {
	table   *Table
	request Request
	socket  *socket
	ctx     context.Context
	cancel  context.CancelCauseFunc
	// stay takes back that the flow ends with its owner.
	stay func() bool
	// last is when something was carried, in nanoseconds of the table's clock.
	last atomic.Int64

	mu      sync.Mutex
	closed  bool
	program program
	release *time.Timer
	// peer is the program's address as far as it is known: without a port before the first datagram.
	peer netip.AddrPort
	// bound: the program chose the address, and what comes from another is not its own.
	bound bool
	far   *far
	retry time.Time
}

func (f *flow) touch() { f.last.Store(f.table.now().UnixNano()) }

func (f *flow) idle(now time.Time) time.Duration { return now.Sub(time.Unix(0, f.last.Load())) }

// up carries what the program sends until the flow is closed.
func (f *flow) up() {
	// Before there is a datagram, which would hold a batch meanwhile.
	f.mu.Lock()
	first := f.far
	f.mu.Unlock()
	f.await(first)
	for {
		batch, err := f.socket.next(&f.table.pool)
		if isRefusal(err) {
			continue
		}
		if err != nil {
			f.table.close(f, err)
			return
		}
		if f.admit(batch) {
			f.touch()
			f.carry(batch)
		}
		f.table.pool.put(batch)
	}
}

// carry sends a batch, opening the far side again if it was closed.
func (f *flow) carry(batch *Batch) {
	far := f.open()
	if far == nil {
		return
	}
	f.await(far)
	far.Counters.Up.Add(batch.bytes())
	err := far.Remote.send(batch)
	switch {
	case isRefusal(err):
		f.refuse()
	case err != nil:
		f.closeFar(far, err)
	}
}

// await waits for what has to be before the first datagram.
func (f *flow) await(far *far) {
	if far == nil || far.awaited {
		return
	}
	far.awaited = true
	if far.Await != nil {
		far.Await(f.ctx)
	}
}

func (f *flow) open() *far {
	f.mu.Lock()
	current, wait := f.far, f.table.now().Before(f.retry)
	f.mu.Unlock()
	// One that was cut is not used any more, whether or not who reads from it has seen it.
	if current != nil && !current.closed.Load() {
		return current
	}
	if wait {
		return nil
	}
	opened, err := f.request.Dial(f.ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.retry = f.table.now().Add(retryWait)
		return nil
	}
	return f.attach(opened)
}

// attach makes opened the far side. f.mu is held.
func (f *flow) attach(opened Opened) *far {
	attached := newFar(opened)
	if f.closed {
		attached.close(context.Cause(f.ctx))
		return nil
	}
	f.far = attached
	attached.bind()
	f.table.tasks.Go(func() { f.down(attached) })
	return attached
}

// down carries what comes for the program until the far side is closed.
func (f *flow) down(from *far) {
	for {
		batch, err := from.Remote.next(&f.table.pool)
		if isRefusal(err) {
			f.refuse()
			continue
		}
		if err != nil {
			f.closeFar(from, err)
			return
		}
		f.touch()
		from.Counters.Down.Add(batch.bytes())
		if to, ok := f.answered(); ok {
			// What the kernel does not take for the program is lost, as on any network.
			_ = f.socket.sendTo(batch, to)
		}
		f.table.pool.put(batch)
	}
}

// answered returns the program's address. A destination that answers refuses nothing, so the program's socket is not
// needed any more.
func (f *flow) answered() (netip.AddrPort, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.peer.Port() == 0 {
		return netip.AddrPort{}, false
	}
	f.program.release()
	return f.peer, true
}

// refuse makes the program see ECONNREFUSED once, as the destination's ICMP would: if its socket is connected, and
// still held. A socket of ours may not send ICMP, but the kernel does for a datagram to which nobody listens.
func (f *flow) refuse() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || !f.program.held() {
		return
	}
	if err := f.socket.deaf(func() { f.program.provoke(f.socket.address) }); err != nil {
		f.table.failed(err)
	}
}

func (f *flow) closeFar(closed *far, err error) {
	f.mu.Lock()
	if f.far == closed {
		f.far = nil
	}
	f.mu.Unlock()
	closed.close(err)
}

// end closes all that the flow has. The table does not know it any more.
func (f *flow) end(err error) {
	f.mu.Lock()
	f.closed = true
	current := f.far
	f.far = nil
	f.program.release()
	if f.release != nil {
		f.release.Stop()
	}
	f.mu.Unlock()
	f.stay()
	f.cancel(err)
	f.socket.close()
	if current != nil {
		current.close(err)
	}
}

// check closes what is not used any more, and reports whether the flow itself is not.
func (f *flow) check(now time.Time) (over bool) {
	idle := f.idle(now)
	f.mu.Lock()
	if idle >= f.request.Idle {
		f.forgetLocked()
	}
	peer, held, current := f.peer, f.program.held(), f.far
	f.mu.Unlock()
	if held {
		return false
	}
	if idle >= f.request.Idle && current != nil {
		f.closeFar(current, nil)
	}
	if peer.Port() == 0 {
		return true // it never had a port: nothing was sent, nor connected
	}
	switch lookFor(f.socket.address, peer, f.request.Cookie) {
	case exists:
		return false
	case gone:
		return true
	}
	return idle >= f.request.Idle
}
