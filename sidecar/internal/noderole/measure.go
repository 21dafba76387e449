package noderole

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

func (r *role) installMeasure() {
	channel.HandleRequest(r.conn, message.MethodPeers, r.peers)
	channel.HandleRequest(r.conn, message.MethodFlowList, r.flowList)
	channel.HandleRequest(r.conn, message.MethodPing, r.ping)
	channel.HandleRequest(r.conn, message.MethodNetcheck, r.netcheck)
	channel.HandleRequest(r.conn, message.MethodMetrics, r.metrics)
}

// tellOpened counts a flow, has it listed and tells a Node that watches.
func (r *role) tellOpened(f *flow, opened message.FlowOpened, took time.Duration) {
	f.described.Store(&opened)
	r.flows.metrics.opened(f, opened, took)
	r.notifyFlow(message.EventFlowOpened, opened)
}

func (r *role) flowList(_ context.Context, params message.FlowList) (message.FlowListResult, error) {
	flows, total := r.flows.newest(int(params.Limit))
	result := message.FlowListResult{Flows: make([]message.OpenFlow, 0, len(flows)), Total: total}
	for _, f := range flows {
		result.Flows = append(result.Flows, f.describe(*f.described.Load()))
	}
	return result, nil
}

func (f *flow) describe(opened message.FlowOpened) message.OpenFlow {
	return message.OpenFlow{
		Flow:        opened.Flow,
		Direction:   opened.Direction,
		Run:         opened.Run,
		Network:     opened.Network,
		Source:      opened.Source,
		Destination: opened.Destination,
		Name:        opened.Name,
		Peer:        opened.Peer,
		PID:         opened.PID,
		Export:      opened.Export,
		Route:       opened.Route,
		AgeMs:       message.MillisOf(time.Since(f.started)),
		BytesUp:     f.counters.Up.Load(),
		BytesDown:   f.counters.Down.Load(),
	}
}

// newest returns open flows that have been told of, the newest first, and how many there are.
func (f *flows) newest(limit int) (newest []*flow, total uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.byID {
		if one.described.Load() != nil {
			newest = append(newest, one)
		}
	}
	slices.SortFunc(newest, func(a, b *flow) int { return cmp.Compare(b.id, a.id) })
	return newest[:min(len(newest), limit)], uint64(len(newest))
}

// sums are the bytes of all flows, open ones included.
type sums struct {
	byRoute map[message.Route]message.Carried
	byPeer  map[tailcfg.StableNodeID]message.Carried
}

func (f *flows) sums() sums {
	// While no flow can close, which would count it twice or not at all.
	f.mu.Lock()
	defer f.mu.Unlock()
	s := sums{map[message.Route]message.Carried{}, map[tailcfg.StableNodeID]message.Carried{}}
	for _, route := range []message.Route{message.RouteTailnet, message.RouteExit, message.RouteDirect} {
		s.byRoute[route] = f.metrics.route(route).read()
	}
	f.metrics.byPeer.Range(func(id, counters any) bool {
		s.byPeer[id.(tailcfg.StableNodeID)] = counters.(*peerCounters).read()
		return true
	})
	for _, one := range f.byID {
		up, down := one.counters.Up.Load(), one.counters.Down.Load()
		s.byRoute[one.connection.Route] = add(s.byRoute[one.connection.Route], up, down)
		if peer := one.connection.Peer; peer != nil {
			s.byPeer[peer.StableID] = add(s.byPeer[peer.StableID], up, down)
		}
	}
	return s
}

func add(to message.Carried, up, down uint64) message.Carried {
	return message.Carried{Up: to.Up + up, Down: to.Down + down}
}

func (c *carried) read() message.Carried {
	return message.Carried{Up: c.up.Load(), Down: c.down.Load()}
}

func (r *role) peers(ctx context.Context, _ message.Empty) (message.Peers, error) {
	n := r.node.Load()
	if n == nil {
		return message.Peers{}, errNotStarted
	}
	described, err := r.describePeers(ctx, n, r.flows.sums())
	return message.Peers{Peers: described}, err
}

func (r *role) describePeers(ctx context.Context, n *node.Node, carried sums) ([]message.PeerStatus, error) {
	paths, err := n.Paths(ctx)
	if err != nil {
		return nil, err
	}
	described := []message.PeerStatus{}
	for _, peer := range n.Peers().All() {
		counters := r.flows.metrics.peer(peer.StableID)
		described = append(described, describePeerStatus(peer, paths[peer.Key], carried.byPeer[peer.StableID], counters))
	}
	return described, nil
}

func describePeerStatus(peer *peers.Peer, path message.Path, carried message.Carried, counters *peerCounters) message.PeerStatus {
	base := describePeer(peer)
	status := message.PeerStatus{
		ID:             base.ID,
		Name:           base.Name,
		Addresses:      base.Addresses,
		Online:         base.Online,
		User:           base.User,
		Tags:           base.Tags,
		ExitNodeOption: base.ExitNodeOption,
		OS:             peer.OS,
		Expired:        peer.Expired(time.Now()),
		Path:           path,
		BytesUp:        carried.Up,
		BytesDown:      carried.Down,
		Connects:       counters.connects.Load(),
		Failures:       counters.failures.Load(),
	}
	if status.Path.Kind == "" {
		status.Path.Kind = message.PathNone
	}
	if !peer.LastSeen.IsZero() {
		status.LastSeen = peer.LastSeen.UTC().Format(time.RFC3339)
	}
	return status
}

func (r *role) ping(ctx context.Context, params message.Ping) (message.PingResult, error) {
	n := r.node.Load()
	if n == nil {
		return message.PingResult{}, errNotStarted
	}
	return n.Ping(ctx, params.Peer, params.TimeoutMs.Duration())
}

func (r *role) netcheck(ctx context.Context, params message.Netcheck) (message.NetcheckResult, error) {
	return node.Netcheck(ctx, r.node.Load(), params.ControlURL)
}

func (r *role) metrics(ctx context.Context, _ message.Empty) (message.Metrics, error) {
	m, carried := &r.flows.metrics, r.flows.sums()
	read := message.Metrics{
		ConnectLatency: m.latency.read(),
		Flows: message.FlowCounts{
			OpenedTCP: m.openedTCP.Load(),
			OpenedUDP: m.openedUDP.Load(),
			Closed:    m.closed.Load(),
			Failed:    map[message.Code]uint64{},
		},
		Bytes: message.Bytes{Routes: carried.byRoute},
		Peers: []message.PeerStatus{},
	}
	m.failed.Range(func(code, counter any) bool {
		read.Flows.Failed[code.(message.Code)] = counter.(*atomic.Uint64).Load()
		return true
	})
	for _, of := range carried.byRoute {
		read.Bytes.Up += of.Up
		read.Bytes.Down += of.Down
	}
	n := r.node.Load()
	if n == nil {
		return read, nil
	}
	var err error
	read.Peers, err = r.describePeers(ctx, n, carried)
	return read, err
}
