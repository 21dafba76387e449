package export

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

const (
	// maxHeld and maxHeldBytes are what is held of a flow until it is decided: what a client sends in its first moments.
	maxHeld      = 8
	maxHeldBytes = 64 << 10
	// maxUndecided is how many flows are decided on at once. Peers send again.
	maxUndecided = 256
	// refusedFor is how long the refusal of a flow stands: each datagram would be decided on, and counted, otherwise.
	refusedFor = time.Minute
	// maxRefused is how many refusals are remembered. They take no place of those who are let in.
	maxRefused = 1_024
	// drainIdle is how long a flow of an export that has ended is kept with nothing to carry: an answer may be under way.
	drainIdle = 2 * time.Second
	drainStep = drainIdle / 4
	// drainLimit is how long one is kept that goes on carrying: datagrams say of no end, and a peer may ask for ever.
	drainLimit = time.Minute
)

// arrivals is a port of UDP: what comes to it, and the flows that this makes up.
type arrivals struct {
	export *export
	stack  *netstack.Stack
	taker  *netstack.Taker
	// dropped are the datagrams for which there was no room while their flow was not decided.
	dropped atomic.Uint64

	mu        sync.Mutex
	closed    bool
	flows     map[flowKey]*flow
	undecided int
	// refused has until when.
	refused map[flowKey]time.Time
}

// flowKey is whose datagrams these are. Our address is part of it, since answers have to come from there.
type flowKey struct{ remote, local netip.AddrPort }

// flow is one of those that are let in, or are decided on.
type flow struct {
	key        flowKey
	connection *Connection
	// held are the datagrams until it is decided.
	held  []*netstack.Arrival
	bytes int
}

// checkUDP returns why there cannot be such an export of UDP.
func checkUDP(params message.Export) error {
	switch {
	case params.Service != "":
		return message.Errorf(message.Denied, "a Tailscale Service such as %s is served by TCP only", params.Service)
	case params.ProxyProtocol:
		return message.Errorf(message.Denied, "a PROXY protocol header goes ahead of a connection of TCP; datagrams are exported without it only")
	}
	return nil
}

// take opens the port.
func (e *export) take(stack *netstack.Stack) (err error) {
	a := &arrivals{export: e, stack: stack, flows: map[flowKey]*flow{}, refused: map[flowKey]time.Time{}}
	a.taker, err = stack.TakeUDP(uint16(e.params.Port), a.arrive)
	if err != nil {
		e.end(false, err)
		return message.Errorf(message.Busy, "%s is taken: %w", portOf(e.params), err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		a.close()
		return e.ctx.Err()
	}
	e.arrivals = a
	e.table.tasks.Go(a.tend)
	return nil
}

// arrive is called for each datagram that is no flow's. It does not wait for anything.
func (a *arrivals) arrive(arrival *netstack.Arrival) (taken bool) {
	// What is for the address of a service is none of ours, nor what is for many.
	if !a.export.table.host.Own(arrival.Local.Addr()) || arrival.Remote.Port() == 0 {
		return false
	}
	key := flowKey{arrival.Remote, arrival.Local}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	f := a.flows[key]
	if f == nil {
		if a.isRefusedLocked(key) {
			return true
		}
		if a.undecided >= maxUndecided {
			a.drop()
			return true
		}
		f = a.addLocked(key)
		defer a.export.table.tasks.Go(func() { a.serve(f) })
	}
	if f.held == nil || len(f.held) >= maxHeld || f.bytes+arrival.Length() > maxHeldBytes {
		a.drop()
		return true
	}
	f.bytes += arrival.Length()
	f.held = append(f.held, arrival.Keep())
	return true
}

func (a *arrivals) drop() {
	a.dropped.Add(1)
	a.export.changed()
}

func (a *arrivals) addLocked(key flowKey) *flow {
	f := &flow{key: key, held: []*netstack.Arrival{}, connection: &Connection{
		table:   a.export.table,
		Export:  a.export.id,
		Network: message.NetworkUDP,
		Run:     a.export.params.Run,
		Remote:  key.remote,
		Local:   key.local,
		Started: time.Now(),
	}}
	a.flows[key] = f
	a.undecided++
	return f
}

func (a *arrivals) isRefusedLocked(key flowKey) bool {
	until, ok := a.refused[key]
	if ok && !a.export.table.now().Before(until) {
		delete(a.refused, key)
		return false
	}
	return ok
}

// serve lets a flow in, or not, and carries it.
func (a *arrivals) serve(f *flow) {
	e, c := a.export, f.connection
	c.Peer = e.table.host.Peer(c.Remote.Addr())
	if err := e.admit(c); err != nil {
		a.refuse(f)
		e.refused.Add(1)
		e.fail(err)
		return
	}
	defer a.forget(f)
	target := e.reach(c.Remote.Addr())
	program, err := datagram.DialProgram(target)
	if err != nil {
		e.fail(message.Wrap(message.Unreachable, err))
		return
	}
	if err := a.open(f, target, program); err != nil {
		program.Close()
		return
	}
	if !e.enter(c) {
		c.Reset(nil)
		return
	}
	defer e.leave(c)
	c.Dialled = time.Now()
	e.fail(nil)
	e.table.host.Carry(c)
}

// open gives a flow its endpoint, which has what was held. Too many are made fewer by the one that was idle for longest.
func (a *arrivals) open(f *flow, target netip.AddrPort, program datagram.Remote) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	if len(a.flows)-a.undecided >= int(a.export.params.MaxConnections) {
		a.endOldestLocked()
	}
	endpoint, err := a.stack.AcceptUDP(f.held)
	if err != nil {
		// An endpoint of the same flow is about to go.
		a.drop()
		return err
	}
	a.decidedLocked(f)
	c := f.connection
	sides := &datagram.Pair{Tailnet: datagram.NewStack(endpoint), Program: program, Counters: &c.Counters}
	sides.Refused, sides.Answered = a.export.follow(c, target)
	sides.Touch(a.export.table.now())
	// It cannot have been reset: nobody knows of it yet.
	return c.pair(sides)
}

func (a *arrivals) decidedLocked(f *flow) {
	if f.held != nil {
		f.held = nil
		a.undecided--
	}
}

func (a *arrivals) refuse(f *flow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.decidedLocked(f)
	delete(a.flows, f.key)
	now := a.export.table.now()
	if len(a.refused) >= maxRefused {
		a.forgetRefusedLocked(now)
	}
	a.refused[f.key] = now.Add(refusedFor)
}

// forgetRefusedLocked makes room for one at least.
func (a *arrivals) forgetRefusedLocked(now time.Time) {
	for key, until := range a.refused {
		if !now.Before(until) {
			delete(a.refused, key)
		}
	}
	for key := range a.refused {
		if len(a.refused) < maxRefused {
			return
		}
		delete(a.refused, key)
	}
}

func (a *arrivals) forget(f *flow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.decidedLocked(f)
	a.forgetLocked(f)
}

func (a *arrivals) forgetLocked(f *flow) {
	if a.flows[f.key] == f {
		delete(a.flows, f.key)
	}
}

var errTooMany = message.Errorf(message.Busy, "too many flows of UDP are open")

func (a *arrivals) endOldestLocked() {
	now := a.export.table.now()
	var oldest *flow
	for _, f := range a.flows {
		if f.held == nil && (oldest == nil || f.idle(now) > oldest.idle(now)) {
			oldest = f
		}
	}
	if oldest != nil {
		a.forgetLocked(oldest)
		oldest.connection.Reset(errTooMany)
	}
}

// idle is of a flow that was let in.
func (f *flow) idle(now time.Time) time.Duration { return f.connection.Datagrams.Idle(now) }

// endIdle ends the flows that have carried nothing for so long.
func (a *arrivals) endIdle(limit time.Duration) (left int) {
	now := a.export.table.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.flows {
		if f.held == nil && f.idle(now) >= limit {
			a.forgetLocked(f)
			f.connection.Reset(nil)
		}
	}
	return len(a.flows)
}

// tend ends what is idle, until the last flow has ended after the export.
func (a *arrivals) tend() {
	tick := time.NewTicker(datagram.SweepInterval)
	defer tick.Stop()
	done, limit := a.export.ctx.Done(), datagram.DefaultIdle
	var over time.Time
	for {
		select {
		case <-tick.C:
			if done == nil && !a.export.table.now().Before(over) {
				limit = 0
			}
			if a.endIdle(limit) == 0 && done == nil {
				return
			}
		case <-done:
			done, limit, over = nil, drainIdle, a.export.table.now().Add(drainLimit)
			tick.Reset(drainStep)
		case <-a.export.table.ctx.Done():
			return // the host resets what there is
		}
	}
}

// close gives the port back. Flows go on; e.mu may be held.
func (a *arrivals) close() {
	a.taker.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// endFormer ends the flows of former exports of a port of UDP: what their peers send is the next one's.
func (t *Table) endFormer(port message.Port) {
	t.mu.Lock()
	var former []*export
	for _, e := range t.ending {
		if e.params.Network == message.NetworkUDP && e.params.Port == port {
			former = append(former, e)
		}
	}
	t.mu.Unlock()
	for _, e := range former {
		e.end(false, message.Errorf(message.Aborted, "%s is exported anew", portOf(e.params)))
	}
}
