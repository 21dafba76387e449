package labrole

import (
	"context"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// installLogin has the requests answered about who may be on the tailnet, and about the control server.
func (r *role) installLogin(c *channel.Conn) {
	handle(c, r, message.MethodCompleteAuth, func(l *lab.Lab, params message.CompleteAuth) error {
		if !l.CompleteAuth(params.URL) {
			return message.Errorf(message.NoSuchHost, "no node waits for a visit of this login URL")
		}
		return nil
	})
	handle(c, r, message.MethodApprove, func(l *lab.Lab, params message.Approve) error {
		return l.Approve(params.Node)
	})
	handle(c, r, message.MethodExpireKeys, func(l *lab.Lab, params message.ExpireKeys) error {
		l.ExpireKeys(params.Expired)
		return nil
	})
	handle(c, r, message.MethodStopControl, func(l *lab.Lab, _ message.Empty) error {
		l.StopControl()
		return nil
	})
	handle(c, r, message.MethodStartControl, func(l *lab.Lab, _ message.Empty) error {
		return l.StartControl()
	})
}

func handle[P any](c *channel.Conn, r *role, method string, do func(*lab.Lab, P) error) {
	channel.HandleRequest(c, method, func(_ context.Context, params P) (message.Empty, error) {
		l, err := r.running()
		if err != nil {
			return message.Empty{}, err
		}
		return message.Empty{}, do(l, params)
	})
}
