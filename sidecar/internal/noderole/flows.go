package noderole

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// flow is one spliced connection, or the datagrams of one socket with one destination.
type flow struct {
	id  message.ID
	run string
	// program is nil for datagrams. A program's end with the context of their run, and their far sides with the exit node.
	program splice.Side
	// end ends the datagrams of an export; it is nil for those of a program.
	end        func(reason error)
	connection dial.Connection
	started    time.Time
	counters   *splice.Counters
	// described is what Node is told of it, nil until then.
	described atomic.Pointer[message.FlowOpened]

	mu  sync.Mutex
	cut error // why we reset it
	// unbind is of the lease of the exit node that it goes by.
	unbind func()
}

// reset cuts both sides.
func (f *flow) reset(reason error) {
	f.mu.Lock()
	if f.cut == nil {
		f.cut = reason
	}
	f.mu.Unlock()
	if f.program == nil {
		if f.end != nil {
			f.end(reason)
		}
		return
	}
	f.program.Abort()
	f.connection.Side.Abort()
}

// serve splices until both directions are done.
func (f *flow) serve(early []byte, pool *splice.Pool) message.FlowClosed {
	err := splice.Join(f.program, f.connection.Side, early, pool, f.counters)
	f.mu.Lock()
	if f.cut != nil {
		err = f.cut
	}
	f.mu.Unlock()
	return f.closed(err)
}

func (f *flow) closed(err error) message.FlowClosed {
	return message.FlowClosed{
		Flow:       f.id,
		BytesUp:    f.counters.Up.Load(),
		BytesDown:  f.counters.Down.Load(),
		DurationMs: message.MillisOf(time.Since(f.started)),
		Error:      message.FromError(err),
	}
}

func (f *flow) opened(source netip.AddrPort, took time.Duration) message.FlowOpened {
	return message.FlowOpened{
		Flow:        f.id,
		Direction:   message.DirectionOutbound,
		Run:         f.run,
		Network:     message.NetworkTCP,
		Source:      source.String(),
		Destination: f.connection.Destination.String(),
		Name:        f.connection.Name,
		Peer:        peerName(f.connection.Peer),
		Route:       f.connection.Route,
		DialMs:      message.MillisOf(took),
	}
}

func peerName(peer *peers.Peer) string {
	if peer == nil {
		return ""
	}
	return peer.Name
}

// flows are the open ones and the sums of those that were.
type flows struct {
	mu       sync.Mutex
	last     message.ID
	byID     map[message.ID]*flow
	up, down uint64 // of closed ones
	ended    bool
	told     []*peers.Peer
	metrics  metrics
}

func (f *flows) open(run string, program splice.Side, connection dial.Connection, started time.Time) *flow {
	return f.add(&flow{
		run: run, program: program, connection: connection, started: started, counters: new(splice.Counters),
	})
}

// add numbers a flow.
func (f *flows) add(opened *flow) *flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID == nil {
		f.byID = map[message.ID]*flow{}
	}
	f.last++
	opened.id = f.last
	f.byID[opened.id] = opened
	if f.ended {
		f.cutLocked(opened)
	}
	if lease := opened.connection.Lease; lease != nil && opened.program != nil {
		opened.unbind = lease.Bind(opened.reset)
	}
	return opened
}

func (f *flows) close(closed *flow) {
	if closed.unbind != nil {
		closed.unbind()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byID, closed.id)
	f.metrics.ended(closed)
	f.up += closed.counters.Up.Load()
	f.down += closed.counters.Down.Load()
}

// ended closes an outbound flow. Its peer was in use until now.
func (r *role) ended(f *flow) {
	r.flows.close(f)
	if n := r.node.Load(); n != nil && f.connection.Peer != nil {
		n.Used(f.connection.Peer)
	}
}

// totals returns how many are open and were opened, and the bytes of all.
func (f *flows) totals() (open, opened, up, down uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	up, down = f.up, f.down
	for _, one := range f.byID {
		up += one.counters.Up.Load()
		down += one.counters.Down.Load()
	}
	return uint64(len(f.byID)), uint64(f.last), up, down
}

// cutAll cuts every flow that does not leave by the host's own network, and returns the peers that were told.
func (f *flows) cutAll(reason error) (told []*peers.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.byID {
		if one.connection.Route == message.RouteDirect {
			continue
		}
		one.reset(reason)
		if peer := one.connection.Peer; peer != nil && one.program != nil && !slices.Contains(told, peer) {
			told = append(told, peer)
		}
	}
	return told
}

var errEnded = message.Errorf(message.Aborted, "the sidecar ended")

// resetAll cuts every flow, and those opened from now on too.
func (f *flows) resetAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for _, one := range f.byID {
		f.cutLocked(one)
	}
}

func (f *flows) cutLocked(one *flow) {
	one.reset(errEnded)
	if peer := one.connection.Peer; peer != nil && one.program != nil && !slices.Contains(f.told, peer) {
		f.told = append(f.told, peer)
	}
}

// toldPeers returns the peers that resetAll has sent resets to.
func (f *flows) toldPeers() []*peers.Peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}
