package noderole

import (
	"context"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/socks"
)

// clientDial is one dial of a client, and the flow it becomes.
type clientDial struct {
	role     *role
	params   message.ClientDial
	answer   func(message.ClientDialResult, error)
	deadline time.Time
	run      *run
	err      error
	// through counts the client out of those that negotiate; it may be called again.
	through func()
}

// serve runs in the client's goroutine and ends with the client.
func (d *clientDial) serve(client *socks.Client) {
	defer d.through()
	r := d.role
	started := time.Now()
	connection, left, err := d.dial(client)
	if left {
		r.flows.metrics.failure(err, connection.Peer)
		d.leave(client, err)
		return
	}
	if err != nil {
		r.flows.metrics.failure(err, connection.Peer)
		d.answer(message.ClientDialResult{}, err)
		client.Await(r.ctx)
		return
	}
	if err := d.succeed(client, connection); err != nil {
		connection.Side.Abort()
		d.leave(client, message.Errorf(message.Aborted, "the client left: %w", err))
		return
	}
	r.clients.remove(client.ID)
	client.Through()
	flow := r.flows.open(d.params.Run, client.Host(), connection, started)
	if err := d.run.add(flow); err != nil {
		flow.reset(err)
	}
	d.through()
	took := time.Since(started)
	r.tellOpened(flow, flow.opened(client.Source(), took), took)
	d.answer(message.ClientDialResult{
		Flow:  flow.id,
		Bound: connection.Side.Local().String(),
		Peer:  peerName(connection.Peer),
		Route: connection.Route,
	}, nil)
	closed := flow.serve(d.params.Leftover, &r.pool)
	d.run.remove(flow)
	r.ended(flow)
	r.notifyFlow(message.EventFlowClosed, closed)
}

// leave answers for a client that left and ends it, and tells unless it was Node that closed it.
func (d *clientDial) leave(client *socks.Client, err error) {
	// Before the answer: Node closes the client when it has that.
	closed := client.Ended()
	d.answer(message.ClientDialResult{}, err)
	client.Reset()
	if !closed {
		d.role.Gone(client, message.GoneClosed)
	}
}

// dial connects, while it watches whether the client leaves.
func (d *clientDial) dial(client *socks.Client) (connection dial.Connection, left bool, err error) {
	if d.err != nil {
		return connection, false, d.err
	}
	dialer := d.role.dialing.Load()
	if dialer == nil {
		return connection, false, message.Errorf(message.NotConnected, "the node was not started")
	}
	ctx, cancel := context.WithCancelCause(d.role.ctx)
	defer cancel(nil)
	defer d.run.onEnd(cancel)()
	ctx, stop := context.WithDeadlineCause(ctx, d.deadline, message.Errorf(message.TimedOut,
		"%s did not answer within %d ms", d.params.Host, d.params.DeadlineMs))
	defer stop()
	gone := make(chan struct{})
	unwatch := client.WatchDeparture(len(d.params.Leftover) > 0, func() {
		close(gone)
		cancel(message.Errorf(message.Aborted, "the client left while %s was dialled", d.params.Host))
	})
	request := dial.Request{Host: d.params.Host, Port: d.params.Port, Policy: d.run.routing()}
	if d.run.asks() {
		request.Ask = func(ctx context.Context, question dial.Question) error {
			return d.role.ask(ctx, question, message.Ask{
				Origin:  message.OriginSocks,
				Network: d.params.Network,
				Source:  client.Source().String(),
				Run:     d.params.Run,
			})
		}
	}
	connection, err = dialer.Dial(ctx, request)
	unwatch()
	select {
	case <-gone:
		if err == nil {
			connection.Side.Abort()
			err = context.Cause(ctx)
		}
		return connection, true, err
	default:
		return connection, false, err
	}
}

// succeed tells the client. Its write does not wait: the reply is small and the socket's buffer is empty.
func (d *clientDial) succeed(client *socks.Client, connection dial.Connection) error {
	reply := appendBound(d.params.OnSuccess, connection.Side.Local())
	_, err := client.Host().Write(reply)
	return err
}
