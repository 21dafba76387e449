// Package noderole is the role node of the sidecar: it wires node, SOCKS listeners, dials and flows to the channel
// of docs/sidecar-channel.md.
package noderole

import (
	"context"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/export"
	"github.com/tailproxy/tailproxy/sidecar/internal/handshake"
	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/socks"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// closeLimit is how long the end may take. What is still open then ends with the process, by a reset.
const closeLimit = 5 * time.Second

type role struct {
	conn *channel.Conn
	// ctx ends clients and flows.
	ctx    context.Context
	cancel context.CancelCauseFunc
	tasks  sync.WaitGroup

	node    atomic.Pointer[node.Node]
	names   atomic.Pointer[resolve.Resolver]
	dialing atomic.Pointer[dial.Dialer]
	dials   atomic.Pointer[dials]
	runs    runs
	flows   flows
	watched atomic.Bool // whether Node wants to know of flows
	clients clients
	exports *export.Table
	pool    splice.Pool
	// host is the only way to the host's own network.
	host hostdial.Dialer

	mu        sync.Mutex
	stopped   bool
	listeners []*socks.Listener
}

// Run speaks role node on rwc until the channel ends, and then closes everything: connections are reset. It returns
// why the channel ended, nil when that was in order.
func Run(ctx context.Context, rwc io.ReadWriteCloser) error { return newRole(ctx, rwc).run(ctx) }

func newRole(ctx context.Context, rwc io.ReadWriteCloser) *role {
	r := &role{conn: channel.New(rwc)}
	r.exports = export.New(exporting{r})
	r.ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return r
}

func (r *role) run(ctx context.Context) error {
	handshake.Install(r.conn, message.RoleNode, func(context.Context) error { r.close(); return nil })
	r.install()
	err := r.conn.Serve(ctx)
	r.close()
	return err
}

func (r *role) install() {
	channel.HandleRequest(r.conn, message.MethodStart, r.start)
	channel.HandleRequest(r.conn, message.MethodStatus, r.status)
	channel.HandleRequest(r.conn, message.MethodListenSocks, r.listenSocks)
	channel.HandleRequest(r.conn, message.MethodServeDials, r.serveDials)
	channel.HandleRequest(r.conn, message.MethodWatchFlows, r.watchFlows)
	channel.HandleRequest(r.conn, message.MethodResolve, r.resolve)
	channel.HandleRequest(r.conn, message.MethodFileCapabilities, fileCapabilities)
	channel.HandleRequest(r.conn, message.MethodWhois, r.whois)
	channel.HandleRequest(r.conn, message.MethodExport, r.export)
	channel.HandleRequest(r.conn, message.MethodRetarget, r.retarget)
	channel.HandleRequest(r.conn, message.MethodUnexport, r.unexport)
	channel.HandleRequest(r.conn, message.MethodExports, r.listExports)
	channel.HandleRequest(r.conn, message.MethodListening, listening)
	channel.HandleRequest(r.conn, message.MethodRelease, r.release)
	r.installLogin()
	r.installMeasure()
	r.installExitNodes()
	// In order with the events of their clients and with the dials of their runs.
	channel.HandleInOrder(r.conn, message.MethodClientDial, r.clientDial)
	channel.HandleInOrder(r.conn, message.MethodRegister, r.register)
	channel.HandleInOrder(r.conn, message.MethodUnregister, r.unregister)
	channel.HandleEvent(r.conn, message.EventClientWrite, r.clientWrite)
	channel.HandleEvent(r.conn, message.EventClientClose, r.clientClose)
}

// notify sends an event. It fails only when the session ends, which everything learns of by itself.
func (r *role) notify(event string, params any) {
	_ = r.conn.Notify(event, params)
}

func (r *role) watchFlows(_ context.Context, params message.WatchFlows) (message.Empty, error) {
	r.watched.Store(params.Watch)
	return message.Empty{}, nil
}

// notifyFlow sends an event of a flow to a Node that watches.
func (r *role) notifyFlow(event string, params any) {
	if r.watched.Load() {
		r.notify(event, params)
	}
}

func (r *role) start(ctx context.Context, params message.Start) (message.Node, error) {
	n := node.New(node.Options{
		Hostname:      params.Hostname,
		StateDir:      params.StateDir,
		AuthKey:       params.AuthKey,
		ControlURL:    params.ControlURL,
		Ephemeral:     params.Ephemeral,
		Tags:          params.Tags,
		Lab:           params.Lab,
		TailscaleLogs: params.TailscaleLogs,
		LoginTimeout:  params.LoginTimeoutMs.Duration(),
		OnState: func(state message.State, detail string) {
			r.notify(message.EventState, message.StateEvent{State: state, Detail: detail})
		},
		OnRouting:  r.routingChanged,
		OnExitNode: r.exitNodeChanged,
		Host:       &r.host,
		OnAuthURL: func(url string) {
			r.notify(message.EventAuthURL, message.AuthURL{URL: url})
		},
	})
	r.mu.Lock()
	switch {
	case r.stopped:
		r.mu.Unlock()
		return message.Node{}, node.ErrStopped
	case !r.node.CompareAndSwap(nil, n):
		r.mu.Unlock()
		return message.Node{}, message.Errorf(message.Busy, "the node was started already")
	}
	r.mu.Unlock()
	names := &resolve.Resolver{
		Tailnet: n,
		Hosts:   resolve.NewHosts(resolve.DefaultHosts),
		Host:    resolve.NewUpstream(resolve.DefaultResolvConf),
	}
	r.names.Store(names)
	names.Host.Network = &r.host
	r.dialing.Store(&dial.Dialer{Node: n, Resolver: names, Host: &r.host})
	if err := n.Start(ctx); err != nil {
		// Another start, with another key perhaps, is welcome.
		n.Close()
		r.gone(n)
		return message.Node{}, err
	}
	return describeSelf(n.Self()), nil
}

func (r *role) listenSocks(_ context.Context, params message.ListenSocks) (message.ListenSocksResult, error) {
	addr, err := netip.ParseAddr(params.Host)
	if err != nil {
		return message.ListenSocksResult{}, message.Wrap(message.Protocol, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return message.ListenSocksResult{}, node.ErrStopped
	}
	listener, err := socks.Listen(socks.Options{
		Address:   netip.AddrPortFrom(addr, params.Port),
		Cap:       int64(params.Cap),
		Handshake: params.HandshakeMs.Duration(),
		Accepted:  r.accepted,
	})
	if err != nil {
		return message.ListenSocksResult{}, err
	}
	r.listeners = append(r.listeners, listener)
	return message.ListenSocksResult{Address: listener.Address().String()}, nil
}

// close ends everything. It may be called more than once and returns when all is done, or after closeLimit.
func (r *role) close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.mu.Lock()
		r.stopped = true
		listeners := r.listeners
		r.listeners = nil
		r.mu.Unlock()
		for _, listener := range listeners {
			listener.Close()
		}
		// Flows first: when their clients are reset the flows end, and nobody would know their peers.
		r.flows.resetAll()
		r.exports.End()
		r.cancel(node.ErrStopped)
		served := r.dials.Load()
		if served != nil {
			served.end()
		}
		r.tasks.Wait()
		r.exports.Wait()
		if served != nil {
			served.close()
		}
		if n := r.node.Load(); n != nil {
			r.flush(n, r.flows.toldPeers())
			n.Close()
		}
	}()
	select {
	case <-done:
	case <-time.After(closeLimit):
	}
}

// flushLimit is how long peers have to answer that the resets have come. One that is off does not.
const flushLimit = 250 * time.Millisecond

func (r *role) flush(n *node.Node, told []*peers.Peer) {
	if len(told) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	n.Flush(ctx, told)
}
