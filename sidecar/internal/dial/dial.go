// Package dial connects to what a program asked for: it resolves, decides the way, asks when it must, and tries
// the addresses in turn. A destination that is the tailnet's or the exit node's is never tried another way.
package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// fallbackDelay is how long one address has before the next is tried too: RFC 8305 section 8.
const fallbackDelay = 250 * time.Millisecond

// Node is the node as dialling needs it.
type Node interface {
	route.Tailnet
	Running() (*netstack.Stack, error)
	AwaitPath(ctx context.Context, peer *peers.Peer)
}

// Resolver looks names up.
type Resolver interface {
	Addresses(ctx context.Context, name string, want4, want6 bool) (resolve.Answer, error)
}

// Request is what a program asked for.
type Request struct {
	// Host is a name or an address.
	Host   string
	Port   uint16
	Policy route.Policy
	// Ask decides about one destination; nil allows all.
	Ask func(ctx context.Context, question Question) error
}

// Question is a destination about to be dialled.
type Question struct {
	Destination netip.AddrPort
	// Name is what the program asked for when that was no address.
	Name string
	Peer *peers.Peer
}

// Connection is what a dial made.
type Connection struct {
	Side        splice.Side
	Destination netip.AddrPort
	// Name is what the program asked for when that was no address.
	Name  string
	Route message.Route
	// Peer is nil for a direct connection.
	Peer *peers.Peer
}

// Dialer makes connections.
type Dialer struct {
	Node     Node
	Resolver Resolver
}

// Dial connects or fails with an error that has a code. When ctx ends it fails with the cause of ctx.
func (d *Dialer) Dial(ctx context.Context, request Request) (Connection, error) {
	connection, err := d.dial(ctx, request)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return Connection{}, cause
	}
	return connection, err
}

func (d *Dialer) dial(ctx context.Context, request Request) (Connection, error) {
	if _, err := d.Node.Running(); err != nil {
		return Connection{}, err
	}
	if request.Port == 0 {
		return Connection{}, message.Errorf(message.Refused, "port 0 of %s is no port to connect to", request.Host)
	}
	addresses, name, err := d.addresses(ctx, request.Host)
	if err != nil {
		return Connection{}, err
	}
	targets, err := d.targets(addresses, name, request)
	if err != nil {
		return Connection{}, err
	}
	return d.race(ctx, targets, request.Ask)
}

func (d *Dialer) addresses(ctx context.Context, host string) (addresses []netip.Addr, name string, err error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, "", nil
	}
	answer, err := d.Resolver.Addresses(ctx, host, true, true)
	if err != nil {
		return nil, "", err
	}
	if len(answer.Addresses) == 0 {
		return nil, "", message.Errorf(message.NoSuchHost, "there is no host %q", host)
	}
	return answer.Addresses, host, nil
}

type target struct {
	Question
	route message.Route
}

// targets decides the way to each address. When one is not to be reached directly, none is: what is the tailnet's
// must not leave by the host's network because another address of the same name would.
func (d *Dialer) targets(addresses []netip.Addr, name string, request Request) ([]target, error) {
	var targets []target
	var refused error
	direct := 0
	for _, addr := range addresses {
		decision, err := route.Decide(addr, request.Policy, d.Node)
		if err != nil {
			refused = firstOf(refused, err)
			continue
		}
		if decision.Route == message.RouteDirect {
			direct++
		}
		targets = append(targets, target{
			Question: Question{netip.AddrPortFrom(addr.Unmap(), request.Port), name, decision.Peer},
			route:    decision.Route,
		})
	}
	if direct > 0 && (direct < len(targets) || failsClosed(refused)) {
		kept := targets[:0]
		for _, t := range targets {
			if t.route != message.RouteDirect {
				kept = append(kept, t)
			}
		}
		targets = kept
	}
	if len(targets) == 0 {
		return nil, refused
	}
	return targets, nil
}

// failsClosed reports whether an address was refused because it is the tailnet's or the exit node's to reach.
func failsClosed(refused error) bool {
	if refused == nil {
		return false
	}
	code := message.CodeOf(refused)
	return code == message.NoRoute || code == message.ExitNodeDown
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

type attempt struct {
	connection Connection
	err        error
}

// race tries one target after the other, the next when one fails or takes long. The first that connects is it.
func (d *Dialer) race(ctx context.Context, targets []target, ask func(context.Context, Question) error) (Connection, error) {
	if len(targets) == 1 {
		return d.attempt(ctx, targets[0], ask)
	}
	attempts, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt)
	lost := make(chan struct{})
	defer close(lost)
	launch := func(t target) {
		connection, err := d.attempt(attempts, t, ask)
		select {
		case results <- attempt{connection, err}:
		case <-lost:
			if err == nil {
				connection.Side.Abort()
			}
		}
	}
	var failed error
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next, pending := 0, 0; ; {
		start := timer.C
		if next == len(targets) {
			start = nil
		}
		select {
		case <-start:
			go launch(targets[next])
			next++
			pending++
			timer.Reset(fallbackDelay)
		case result := <-results:
			pending--
			if result.err == nil {
				return result.connection, nil
			}
			failed = firstOf(failed, result.err)
			if pending == 0 && next == len(targets) {
				return Connection{}, failed
			}
			timer.Reset(0)
		case <-ctx.Done():
			return Connection{}, context.Cause(ctx)
		}
	}
}

func (d *Dialer) attempt(ctx context.Context, t target, ask func(context.Context, Question) error) (Connection, error) {
	if ask != nil {
		if err := ask(ctx, t.Question); err != nil {
			return Connection{}, err
		}
	}
	connection := Connection{Destination: t.Destination, Name: t.Name, Route: t.route, Peer: t.Peer}
	var err error
	if t.route == message.RouteDirect {
		connection.Side, err = d.direct(ctx, t.Destination)
	} else {
		connection.Side, err = d.tailnet(ctx, t)
	}
	if err != nil {
		return Connection{}, err
	}
	return connection, nil
}

func (d *Dialer) tailnet(ctx context.Context, t target) (splice.Side, error) {
	stack, err := d.Node.Running()
	if err != nil {
		return nil, err
	}
	if t.Peer != nil {
		d.Node.AwaitPath(ctx, t.Peer)
	}
	conn, err := stack.DialTCP(ctx, t.Destination)
	if err != nil {
		return nil, err
	}
	return splice.Stack{Conn: conn}, nil
}

func (d *Dialer) direct(ctx context.Context, destination netip.AddrPort) (splice.Side, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", destination.String())
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return nil, errNotTCP
	}
	side, err := splice.NewHost(tcp)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return side, nil
}

var errNotTCP = errors.New("the host made a connection that is not TCP")
