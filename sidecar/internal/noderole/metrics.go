package noderole

import (
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// bounds are the default buckets of Prometheus's clients, and two below them for a network that is near.
var bounds = [...]time.Duration{
	1 * time.Millisecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// histogram counts times; whoever observes one does not wait for another.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64
}

func (h *histogram) observe(took time.Duration) {
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(took))
}

func (h *histogram) read() message.Histogram {
	read := message.Histogram{Buckets: make([]message.Bucket, len(bounds))}
	for i := range h.buckets {
		read.Count += h.buckets[i].Load()
		if i < len(bounds) {
			read.Buckets[i] = message.Bucket{LeMs: message.MeasureOf(bounds[i]), Count: read.Count}
		}
	}
	read.SumMs = message.MeasureOf(time.Duration(h.sum.Load()))
	return read
}

// carried is what closed flows have carried.
type carried struct{ up, down atomic.Uint64 }

// peerCounters are what our flows had to do with a peer.
type peerCounters struct {
	carried
	connects, failures atomic.Uint64
}

// metrics are counted once for each flow, at its ends, and never for what it carries.
type metrics struct {
	latency                      histogram
	openedTCP, openedUDP, closed atomic.Uint64
	failed                       sync.Map // message.Code to *atomic.Uint64
	tailnet, exit, direct        carried
	byPeer                       sync.Map // tailcfg.StableNodeID to *peerCounters
}

func (m *metrics) peer(id tailcfg.StableNodeID) *peerCounters {
	if known, ok := m.byPeer.Load(id); ok {
		return known.(*peerCounters)
	}
	made, _ := m.byPeer.LoadOrStore(id, new(peerCounters))
	return made.(*peerCounters)
}

func (m *metrics) route(route message.Route) *carried {
	switch route {
	case message.RouteExit:
		return &m.exit
	case message.RouteDirect:
		return &m.direct
	}
	return &m.tailnet
}

// opened counts a flow. took is how long a program's connect took.
func (m *metrics) opened(f *flow, opened message.FlowOpened, took time.Duration) {
	if opened.Network == message.NetworkUDP {
		m.openedUDP.Add(1)
	} else {
		m.openedTCP.Add(1)
		if opened.Direction == message.DirectionOutbound {
			m.latency.observe(took)
		}
	}
	if peer := f.connection.Peer; peer != nil && opened.Direction == message.DirectionOutbound {
		m.peer(peer.StableID).connects.Add(1)
	}
}

// ended adds what a flow has carried. Until then that is read from the flow.
func (m *metrics) ended(f *flow) {
	m.closed.Add(1)
	up, down := f.counters.Up.Load(), f.counters.Down.Load()
	route := m.route(f.connection.Route)
	route.up.Add(up)
	route.down.Add(down)
	if peer := f.connection.Peer; peer != nil {
		of := m.peer(peer.StableID)
		of.up.Add(up)
		of.down.Add(down)
	}
}

// failure counts a dial of a program that failed; peer is nil when it is known to be nobody's.
func (m *metrics) failure(err error, peer *peers.Peer) {
	code := message.CodeOf(err)
	counter, ok := m.failed.Load(code)
	if !ok {
		counter, _ = m.failed.LoadOrStore(code, new(atomic.Uint64))
	}
	counter.(*atomic.Uint64).Add(1)
	if peer != nil {
		m.peer(peer.StableID).failures.Add(1)
	}
}
