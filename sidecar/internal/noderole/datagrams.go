package noderole

import (
	"context"
	"net/netip"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// openFlow returns the flow socket for a program's socket and a destination.
func (p *program) openFlow(ctx context.Context, asked dialsocket.Flow) (netip.AddrPort, error) {
	request := datagram.Request{
		Owner:       p.run.ctx,
		PID:         asked.PID,
		Cookie:      asked.Cookie,
		Program:     asked.Socket,
		Destination: asked.Destination,
	}
	if p.dials.isResolver(asked.Destination) {
		request.Idle = datagram.ResolverIdle
		request.Dial = p.dialResolver
	} else {
		d := datagrams{program: p, destination: asked.Destination, pid: asked.PID}
		d.source = datagram.SourceOf(asked.Socket, asked.Destination.Addr())
		request.Dial = d.dial
	}
	return p.dials.datagrams.Open(ctx, request)
}

// dialResolver answers a program that has its own resolver.
func (p *program) dialResolver(context.Context) (datagram.Opened, error) {
	dns, err := p.dns()
	if err != nil {
		return datagram.Opened{}, err
	}
	return datagram.Opened{Remote: datagram.NewResolver(func(ctx context.Context, query []byte) []byte {
		ctx, cancel := context.WithTimeout(ctx, lookupLimit)
		defer cancel()
		return dns.Answer(ctx, query, resolve.UDPLimit(query))
	})}, nil
}

// datagrams are those of one program socket and one destination.
type datagrams struct {
	program             *program
	pid                 int
	source, destination netip.AddrPort
}

// dial opens the far side, after a decision of its own each time.
func (d datagrams) dial(ctx context.Context) (datagram.Opened, error) {
	opened, peer, err := d.open(ctx)
	if err != nil {
		d.program.role.flows.metrics.failure(err, peer)
	}
	return opened, err
}

func (d datagrams) open(ctx context.Context) (opened datagram.Opened, peer *peers.Peer, err error) {
	started := time.Now()
	n := d.program.role.node.Load()
	if n == nil {
		return opened, nil, errNotStarted
	}
	stack, err := n.Running()
	if err != nil {
		return opened, nil, err
	}
	decision, err := d.decide(ctx, n)
	if err != nil {
		return opened, decision.Peer, err
	}
	if decision.Route == message.RouteDirect {
		opened.Remote, err = datagram.DialHost(&d.program.role.host, d.destination)
	} else {
		opened, err = dialStack(stack, d.destination)
		if decision.Lease != nil {
			opened.Bind = decision.Lease.Bind
		}
		opened.Await = func(ctx context.Context) { awaitPath(ctx, n, decision) }
	}
	if err != nil {
		return datagram.Opened{}, decision.Peer, err
	}
	d.follow(&opened, decision, started)
	return opened, decision.Peer, nil
}

// awaitPath waits until datagrams can be sent. Those of an exit node that is not there any more are not.
func awaitPath(ctx context.Context, n *node.Node, decision route.Decision) {
	if decision.Lease != nil {
		held, release, err := decision.Lease.Hold(ctx)
		if err != nil {
			return
		}
		defer release()
		ctx = held
	}
	if decision.Peer != nil {
		n.AwaitPath(ctx, decision.Peer)
	}
}

func dialStack(on *netstack.Stack, destination netip.AddrPort) (datagram.Opened, error) {
	endpoint, err := on.DialUDP(destination)
	if err != nil {
		return datagram.Opened{}, err
	}
	return datagram.Opened{Remote: datagram.NewStack(endpoint)}, nil
}

// decide says which way the datagrams go, if they may.
func (d datagrams) decide(ctx context.Context, tailnet route.Tailnet) (route.Decision, error) {
	run := d.program.run
	if d.destination.Port() == 0 {
		return route.Decision{}, message.Errorf(message.Refused, "port 0 of %v is no port to send to", d.destination.Addr())
	}
	if run.udp == message.UDPBlock {
		return route.Decision{}, message.Errorf(message.Denied, "UDP is blocked for this run, and %v is reached by it", d.destination)
	}
	decision, err := route.Decide(d.destination.Addr(), run.policy, tailnet)
	if err != nil {
		return route.Decision{}, err
	}
	if run.udp == message.UDPDirect && decision.Route != message.RouteDirect {
		return route.Decision{}, message.Errorf(message.Denied,
			"UDP is left to the host for this run, and %v is only reached through the tailnet", d.destination)
	}
	if !run.ask {
		return decision, nil
	}
	question := dial.Question{Destination: d.destination, Name: d.name(), Peer: decision.Peer}
	return decision, d.program.role.ask(ctx, question, message.Ask{
		Origin:  message.OriginPreload,
		Network: message.NetworkUDP,
		Source:  d.source.String(),
		Run:     run.name,
		PID:     message.Limit(d.pid),
	})
}

func (d datagrams) name() string { return d.program.run.recent.of(d.destination.Addr()) }

// follow tells Node of the flow, now and at its end.
func (d datagrams) follow(opened *datagram.Opened, decision route.Decision, started time.Time) {
	r := d.program.role
	f := r.flows.open(d.program.run.name, nil, dial.Connection{
		Destination: d.destination,
		Name:        d.name(),
		Route:       decision.Route,
		Peer:        decision.Peer,
	}, started)
	if err := d.program.run.add(f); err != nil {
		f.reset(err) // it ends with its owner, which has ended
	}
	event := f.opened(d.source, time.Since(started))
	event.Network = message.NetworkUDP
	event.PID = message.Limit(d.pid)
	r.tellOpened(f, event, 0)
	opened.Counters = f.counters
	opened.Closed = func(err error) {
		d.program.run.remove(f)
		r.ended(f)
		r.notifyFlow(message.EventFlowClosed, f.closed(err))
	}
}
