package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// fallbackDelay is how long one address has before the next is tried too: RFC 8305 section 8.
const fallbackDelay = 250 * time.Millisecond

type attempt struct {
	connection Connection
	err        error
}

// race tries one target after the other, the next when one fails or takes long. The first that connects is it.
func (d *Dialer) race(ctx context.Context, targets []target, request Request) (Connection, error) {
	if len(targets) == 1 {
		return d.attempt(ctx, targets[0], request)
	}
	attempts, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt)
	lost := make(chan struct{})
	defer close(lost)
	launch := func(t target) {
		connection, err := d.attempt(attempts, t, request)
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

func (d *Dialer) attempt(ctx context.Context, t target, request Request) (Connection, error) {
	if request.Ask != nil {
		if err := request.Ask(ctx, t.Question); err != nil {
			return Connection{}, err
		}
	}
	connection := Connection{Destination: t.Destination, Name: t.Name, Route: t.route, Peer: t.Peer, Lease: t.lease}
	var err error
	switch t.route {
	case message.RouteDirect:
		connection.Side, err = d.direct(ctx, t.Destination)
	case message.RouteExit:
		return d.exit(ctx, connection, request)
	default:
		connection.Side, err = d.tailnet(ctx, t.Destination, t.Peer)
	}
	if err != nil {
		return Connection{}, err
	}
	return connection, nil
}

func (d *Dialer) tailnet(ctx context.Context, destination netip.AddrPort, peer *peers.Peer) (splice.Side, error) {
	stack, err := d.Node.Running()
	if err != nil {
		return nil, err
	}
	if peer != nil {
		d.Node.AwaitPath(ctx, peer)
	}
	conn, err := stack.DialTCP(ctx, destination)
	if err != nil {
		return nil, err
	}
	return splice.Stack{Conn: conn}, nil
}

func (d *Dialer) direct(ctx context.Context, destination netip.AddrPort) (splice.Side, error) {
	conn, err := d.Host.Dial(ctx, "tcp", destination)
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
