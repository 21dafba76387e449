package noderole

import (
	"context"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
)

func (r *role) installLogin() {
	channel.HandleRequest(r.conn, message.MethodLogin, r.login)
	channel.HandleRequest(r.conn, message.MethodLogout, r.logout)
}

func (r *role) login(ctx context.Context, params message.Login) (message.Node, error) {
	n := r.node.Load()
	if n == nil {
		return message.Node{}, errNotStarted
	}
	if err := n.Login(ctx, params.AuthKey, params.LoginTimeoutMs.Duration()); err != nil {
		return message.Node{}, err
	}
	return describeSelf(n.Self()), nil
}

var errLoggedOut = message.Errorf(message.NotConnected, "the node was logged out")

// logout resets what is open while the peers can still hear of it, and then leaves the tailnet.
func (r *role) logout(ctx context.Context, _ message.Empty) (message.Empty, error) {
	n := r.node.Load()
	if n == nil {
		return message.Empty{}, errNotStarted
	}
	for _, one := range r.exports.List() {
		r.exports.Close(one.Export, false)
	}
	r.flush(n, r.flows.cutAll(errLoggedOut))
	if err := n.Logout(ctx); err != nil {
		return message.Empty{}, err
	}
	err := n.Forget()
	r.gone(n)
	return message.Empty{}, err
}

// gone makes place for another node.
func (r *role) gone(n *node.Node) {
	r.names.Store(nil)
	r.dialing.Store(nil)
	r.node.CompareAndSwap(n, nil)
}
