package noderole

import (
	"context"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

func (r *role) installExitNodes() {
	channel.HandleRequest(r.conn, message.MethodExitNodes, r.exitNodes)
	channel.HandleRequest(r.conn, message.MethodSetExitNode, r.setExitNode)
	channel.HandleRequest(r.conn, message.MethodSuggestExitNode, r.suggestExitNode)
}

func (r *role) exitNodes(context.Context, message.Empty) (message.ExitNodes, error) {
	n := r.node.Load()
	if n == nil {
		return message.ExitNodes{}, errNotStarted
	}
	nodes, err := n.ExitNodes().List()
	return message.ExitNodes{Nodes: nodes}, err
}

func (r *role) setExitNode(ctx context.Context, params message.SetExitNode) (message.ExitNodeResult, error) {
	n := r.node.Load()
	if n == nil {
		return message.ExitNodeResult{}, errNotStarted
	}
	set := n.ExitNodes().Set
	if params.Insist {
		set = n.ExitNodes().Insist
	}
	peer, err := set(ctx, params.Nodes, params.LANAccess)
	return describeExitNode(n.ExitNodes(), peer), err
}

func (r *role) suggestExitNode(ctx context.Context, _ message.Empty) (message.ExitNodeResult, error) {
	n := r.node.Load()
	if n == nil {
		return message.ExitNodeResult{}, errNotStarted
	}
	peer, err := n.ExitNodes().Suggest(ctx)
	return describeExitNode(n.ExitNodes(), peer), err
}

func describeExitNode(exits *exitnode.Manager, peer *peers.Peer) message.ExitNodeResult {
	if peer == nil {
		return message.ExitNodeResult{}
	}
	described := exits.Describe(peer)
	return message.ExitNodeResult{Node: &described}
}

// exitNodeChanged is called before whoever has changed it is answered: programs must not go past the sidecar then.
func (r *role) exitNodeChanged(state *exitnode.State) {
	if d := r.dials.Load(); d != nil {
		d.routing.write()
	}
	if n := r.node.Load(); n != nil {
		r.notify(message.EventExitNodeState, n.ExitNodes().EventOf(state))
	}
}
