package noderole

import (
	"context"
	"net/netip"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/deep"
	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
)

const (
	// dialLimit is how long a dial may take: as long as the kernel tries by itself (tcp(7), tcp_syn_retries).
	dialLimit = 127 * time.Second
	// lookupLimit is how long a name may take. Programs wait no longer either.
	lookupLimit = 20 * time.Second
	// maxAnswer is the longest DNS message that an answer of the dial socket holds, in bytes.
	maxAnswer = 65_531
)

// programs are those of all runs.
type programs struct {
	role  *role
	dials *dials
}

// Hello implements dialsocket.Runs.
func (p programs) Hello(token []byte, pid int) (dialsocket.Run, error) {
	found := p.role.runs.byToken(token)
	if found == nil {
		return nil, message.Errorf(message.Denied, "process %d has the token of no run", pid)
	}
	return &program{programs: p, run: found, left: found.count(&found.channels)}, nil
}

// Family implements dialsocket.Runs.
func (p programs) Family(token []byte) (left func(), err error) {
	found := p.role.runs.byToken(token)
	if found == nil {
		return nil, message.Errorf(message.Denied, "that is the token of no run")
	}
	return found.count(&found.families), nil
}

// program is what a process of a run asks by the dial socket.
type program struct {
	programs
	run *run
	// left counts the process out.
	left func()
}

// Context implements dialsocket.Run.
func (p *program) Context() context.Context { return p.run.ctx }

// Closed implements dialsocket.Run.
func (p *program) Closed(pid int) {
	p.dials.datagrams.Ended(pid)
	p.left()
}

// Welcome implements dialsocket.Run.
func (p *program) Welcome() dialsocket.Welcome {
	welcome := dialsocket.Welcome{OnlyTailnet: p.run.policy.OnlyTailnet, Asks: p.run.ask}
	switch p.run.udp {
	case message.UDPBlock:
		welcome.UDP = dialsocket.UDPBlock
	case message.UDPDirect:
		welcome.UDP = dialsocket.UDPDirect
	}
	return welcome
}

// Dial implements dialsocket.Run.
func (p *program) Dial(ctx context.Context, d *dialsocket.Dial) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialLimit, message.Errorf(message.TimedOut,
		"%v did not answer within %v", d.Destination, dialLimit))
	defer cancel()
	started := time.Now()
	if p.dials.isResolver(d.Destination) {
		if err := p.serveDNS(d); err != nil {
			d.Fail(err)
		}
		return
	}
	connection, err := p.connect(ctx, d)
	if err != nil {
		p.role.flows.metrics.failure(err, connection.Peer)
		d.Fail(err)
		return
	}
	socket, err := d.Join()
	if err != nil {
		connection.Side.Abort()
		d.Fail(err)
		return
	}
	opened := p.role.flows.open(p.run.name, socket, connection, started)
	// The dial is over; its flow is not.
	p.role.tasks.Go(func() { p.carry(opened, d) })
}

func (p *program) connect(ctx context.Context, d *dialsocket.Dial) (dial.Connection, error) {
	dialer := p.role.dialing.Load()
	if dialer == nil {
		return dial.Connection{}, errNotStarted
	}
	name := p.run.recent.of(d.Destination.Addr())
	request := dial.Request{Host: d.Destination.Addr().String(), Port: d.Destination.Port(), Policy: p.run.policy}
	if p.run.ask {
		request.Ask = func(ctx context.Context, question dial.Question) error {
			question.Name = name
			return p.role.ask(ctx, question, message.Ask{
				Origin:  message.OriginPreload,
				Network: message.NetworkTCP,
				Source:  sourceOf(d).String(),
				Run:     p.run.name,
				PID:     message.Limit(d.PID),
			})
		}
	}
	connection, err := dialer.Dial(ctx, request)
	connection.Name = name
	return connection, err
}

var errNotStarted = message.Errorf(message.NotConnected, "the node was not started")

// sourceOf returns the program's address; a program that was stopped before it sent its SYN has no port yet.
func sourceOf(d *dialsocket.Dial) netip.AddrPort {
	if source := d.Source(); source.IsValid() {
		return source
	}
	if d.Destination.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), 0)
}

// carry runs the flow that a dial has become.
func (p *program) carry(f *flow, d *dialsocket.Dial) {
	deep.Stack()
	r := p.role
	if err := p.run.add(f); err != nil {
		f.reset(err)
	}
	took := time.Since(f.started)
	opened := f.opened(sourceOf(d), took)
	opened.PID = message.Limit(d.PID)
	r.tellOpened(f, opened, took)
	closed := f.serve(nil, &r.pool)
	p.run.remove(f)
	r.ended(f)
	r.notifyFlow(message.EventFlowClosed, closed)
}

// serveDNS answers a program that has its own resolver and asks over TCP.
func (p *program) serveDNS(d *dialsocket.Dial) error {
	dns, err := p.dns()
	if err != nil {
		return err
	}
	socket, err := d.Join()
	if err != nil {
		return err
	}
	p.role.tasks.Go(func() { dns.ServeStream(p.run.ctx, socket) })
	return nil
}

func (p *program) dns() (*resolve.DNS, error) {
	names := p.role.names.Load()
	if names == nil {
		return nil, errNotStarted
	}
	return &resolve.DNS{Resolver: names}, nil
}

// Resolve implements dialsocket.Run.
func (p *program) Resolve(ctx context.Context, name string, want4, want6 bool) dialsocket.Addresses {
	names := p.role.names.Load()
	if names == nil {
		return dialsocket.Addresses{Status: dialsocket.Again}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	found, err := names.Addresses(ctx, name, want4, want6)
	switch {
	case err != nil:
		return dialsocket.Addresses{Status: dialsocket.Again}
	case !found.Found:
		return dialsocket.Addresses{Status: dialsocket.NoName}
	case len(found.Addresses) == 0:
		return dialsocket.Addresses{Status: dialsocket.NoAddress, Canonical: found.Canonical}
	}
	for _, addr := range found.Addresses {
		p.run.recent.add(addr, name)
	}
	return dialsocket.Addresses{Canonical: found.Canonical, Addresses: found.Addresses}
}

// Reverse implements dialsocket.Run.
func (p *program) Reverse(ctx context.Context, addr netip.Addr) dialsocket.Names {
	names := p.role.names.Load()
	if names == nil {
		return dialsocket.Names{Status: dialsocket.Again}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	found, err := names.Names(ctx, addr.String())
	switch {
	case err != nil:
		return dialsocket.Names{Status: dialsocket.Again}
	case len(found.Names) == 0:
		return dialsocket.Names{Status: dialsocket.NoName}
	}
	return dialsocket.Names{Names: found.Names}
}

// Query implements dialsocket.Run.
func (p *program) Query(ctx context.Context, query []byte) []byte {
	dns, err := p.dns()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	return dns.Answer(ctx, query, maxAnswer)
}

// Flow implements dialsocket.Run.
func (p *program) Flow(ctx context.Context, flow dialsocket.Flow) (netip.AddrPort, error) {
	return p.openFlow(ctx, flow)
}

// Control implements dialsocket.Run.
func (p *program) Control(context.Context) (int, error) {
	return dialsocket.ConnectControl(p.run.control)
}
