// Package dial connects to what a program asked for: it resolves, decides the way, asks when it must, and tries
// the addresses in turn. A destination that is the tailnet's or the exit node's is never tried another way.
package dial

import (
	"context"
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

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
	// Lease is what a connection by an exit node is to be bound to; nil otherwise.
	Lease *exitnode.Lease
	// Peer is nil for a direct connection.
	Peer *peers.Peer
}

// Dialer makes connections.
type Dialer struct {
	Node     Node
	Resolver Resolver
	// Host dials what is reached directly.
	Host *hostdial.Dialer
}

// Dial connects or fails with an error that has a code, and then with the first peer that it tried, if there was one. When ctx
// ends it fails with the cause of ctx.
func (d *Dialer) Dial(ctx context.Context, request Request) (Connection, error) {
	connection, err := d.dial(ctx, request)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return connection, cause
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
	connection, err := d.race(ctx, targets, request)
	if err != nil {
		return Connection{Peer: targets[0].Peer}, err
	}
	return connection, nil
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
	lease *exitnode.Lease
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
			lease:    decision.Lease,
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
