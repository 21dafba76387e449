package noderole

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/export"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/sockdiag"
)

func (r *role) export(ctx context.Context, params message.Export) (message.ExportResult, error) {
	run, err := r.runs.get(params.Run)
	if err != nil {
		return message.ExportResult{}, err
	}
	result, err := r.exports.Open(ctx, params)
	if err == nil && run != nil && run.ctx.Err() != nil {
		// The run ended meanwhile, and did not know of it.
		r.exports.Close(result.Export, false)
		err = run.errEnded()
	}
	return result, err
}

func (r *role) retarget(_ context.Context, params message.Retarget) (message.Empty, error) {
	return message.Empty{}, r.exports.Retarget(params.Export, params.Targets)
}

func (r *role) unexport(_ context.Context, params message.Unexport) (message.Empty, error) {
	r.exports.Close(params.Export, params.Drain)
	return message.Empty{}, nil
}

func (r *role) listExports(context.Context, message.Empty) (message.Exports, error) {
	return message.Exports{Exports: r.exports.List()}, nil
}

func listening(_ context.Context, params message.Listening) (message.ListeningResult, error) {
	sockets := make([]sockdiag.Listener, len(params.Sockets))
	for i, socket := range params.Sockets {
		address, err := netip.ParseAddrPort(socket.Address)
		if err != nil {
			return message.ListeningResult{}, message.Wrap(message.Protocol, err)
		}
		sockets[i] = sockdiag.Listener{
			Address: address, Cookie: socket.Cookie.Value(), Datagrams: socket.Network == message.NetworkUDP,
		}
	}
	answered, err := sockdiag.Listening(sockets)
	return message.ListeningResult{Listening: answered}, err
}

// exporting is what the exports know of this role.
type exporting struct{ role *role }

var _ export.Host = exporting{}

// Listen implements export.Host.
func (x exporting) Listen() (*netstack.Stack, []netip.Addr, error) {
	n := x.role.node.Load()
	if n == nil {
		return nil, nil, errNotStarted
	}
	stack, err := n.Running()
	if err != nil {
		return nil, nil, err
	}
	return stack, n.Self().Addresses, nil
}

// Own implements export.Host.
func (x exporting) Own(addr netip.Addr) bool {
	n := x.role.node.Load()
	return n != nil && n.IsSelf(addr)
}

// Service implements export.Host.
func (x exporting) Service(ctx context.Context, name string) ([]netip.Addr, func(), error) {
	n := x.role.node.Load()
	if n == nil {
		return nil, nil, errNotStarted
	}
	return n.Host(ctx, name)
}

// Holder implements export.Host.
func (x exporting) Holder(ctx context.Context, port uint16) string {
	n := x.role.node.Load()
	if n == nil {
		return ""
	}
	if n.IsPeerAPI(ctx, port) {
		return "the node's own (Tailscale's peer API)"
	}
	return ""
}

// Peer implements export.Host.
func (x exporting) Peer(addr netip.Addr) *peers.Peer {
	if n := x.role.node.Load(); n != nil {
		return n.Whois(addr)
	}
	return nil
}

// Ask implements export.Host.
func (x exporting) Ask(ctx context.Context, question message.Ask) error {
	return x.role.decide(ctx, question)
}

// Board implements export.Host.
func (x exporting) Board() *board.Board {
	if d := x.role.dials.Load(); d != nil {
		return d.board
	}
	return nil
}

// Tell implements export.Host.
func (x exporting) Tell(state message.ExportState) {
	x.role.notify(message.EventExportState, state)
}

// Carry implements export.Host.
func (x exporting) Carry(c *export.Connection) {
	r := x.role
	f := r.flows.add(&flow{
		run:     c.Run,
		program: c.Program,
		connection: dial.Connection{
			Side: c.Tailnet, Destination: c.Local, Route: message.RouteTailnet, Peer: c.Peer,
		},
		started:  c.Started,
		counters: &c.Counters,
		end:      c.Reset,
	})
	run, err := r.runs.get(c.Run)
	if err == nil {
		err = run.add(f)
	}
	if err != nil {
		f.reset(fmt.Errorf("serving %v: %w", c.Remote, err))
	}
	opened := f.opened(c.Remote, c.Dialled.Sub(c.Started))
	opened.Network, opened.Direction, opened.Export = c.Network, message.DirectionInbound, c.Export
	r.tellOpened(f, opened, 0)
	var closed message.FlowClosed
	if c.Datagrams != nil {
		c.CarryDatagrams()
		closed = f.closed(nil)
	} else {
		closed = f.serve(nil, &r.pool)
	}
	if cut := c.Cut(); cut != nil {
		closed.Error = message.FromError(cut)
	}
	run.remove(f)
	r.flows.close(f)
	r.notifyFlow(message.EventFlowClosed, closed)
}
