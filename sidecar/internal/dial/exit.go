package dial

import (
	"context"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// exit connects by the exit node. When that is changed meanwhile, it connects by the next.
func (d *Dialer) exit(ctx context.Context, connection Connection, request Request) (Connection, error) {
	for {
		err := d.leased(ctx, &connection)
		if err == nil || context.Cause(ctx) != nil || connection.Lease == nil {
			return connection, err
		}
		ended := connection.Lease.Ended()
		if ended == nil {
			return Connection{}, err
		}
		decision, err := route.Decide(connection.Destination.Addr(), request.Policy, d.Node)
		if err != nil {
			return Connection{}, err
		}
		if decision.Route != message.RouteExit {
			// It was to go by an exit node. What is dialled from now on may go another way.
			return Connection{}, ended
		}
		connection.Peer, connection.Lease = decision.Peer, decision.Lease
	}
}

// leased connects while the lease of the exit node lasts.
func (d *Dialer) leased(ctx context.Context, connection *Connection) error {
	lease := connection.Lease
	if lease == nil {
		side, err := d.tailnet(ctx, connection.Destination, connection.Peer)
		connection.Side = side
		return err
	}
	held, release, err := lease.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	side, err := d.tailnet(held, connection.Destination, connection.Peer)
	if err != nil {
		return err
	}
	if ended := lease.Ended(); ended != nil {
		side.Abort()
		return ended
	}
	connection.Side = side
	return nil
}
