package lab

import (
	"context"
	"fmt"
	"net/netip"

	"tailscale.com/ipn"
	"tailscale.com/net/tsaddr"
	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// AddExitNode adds an exit node that serves TEST-NET as exit does, and forwards. Unless it is approved, it offers itself in vain.
func (l *Lab) AddExitNode(ctx context.Context, name string, approved bool, forwards ...Forward) (Node, error) {
	become := func(ctx context.Context, n *node) error { return n.becomeExitNode(ctx, approved) }
	return l.addNode(ctx, name, (*node).serveAll, become, forwards)
}

// SetExitNodeApproved approves an exit node, or takes that back. Nodes that are connected know it on return.
func (l *Lab) SetExitNodeApproved(ctx context.Context, name string, approved bool) error {
	n, err := l.find(name)
	if err != nil {
		return err
	}
	if !n.offers.Load() {
		return message.Errorf(message.Denied, "node %s does not offer itself as an exit node", name)
	}
	n.approve(approved)
	l.control.spread(ctx, key.NodePublic{})
	return nil
}

// TakeOffline kills a node as RemoveNode does, and has the control server say that it is offline. Nodes that are connected
// know it on return.
func (l *Lab) TakeOffline(ctx context.Context, name string) error {
	n, err := l.find(name)
	if err != nil {
		return err
	}
	if err := l.RemoveNode(name); err != nil {
		return err
	}
	l.control.setOnline(n.key, false)
	l.control.spread(ctx, n.key)
	return nil
}

// becomeExitNode advertises the default routes, without which the node's packet filter drops what is
// not for itself, and approves them if they are to be.
func (n *node) becomeExitNode(ctx context.Context, approved bool) error {
	prefs := &ipn.MaskedPrefs{AdvertiseRoutesSet: true}
	prefs.AdvertiseRoutes = defaultRoutes()
	if _, err := n.client.EditPrefs(ctx, prefs); err != nil {
		return fmt.Errorf("advertising the routes of %s: %w", n.name, err)
	}
	n.offers.Store(true)
	// Peers know by it that the node offers itself.
	offered := func() bool {
		node := n.lab.control.server.Node(n.key)
		return node != nil && tsaddr.ContainsExitRoutes(node.Hostinfo.RoutableIPs())
	}
	if !n.lab.control.until(ctx, offered) {
		return context.Cause(ctx)
	}
	n.approve(approved)
	return nil
}

func (n *node) approve(approved bool) {
	var routes []netip.Prefix
	if approved {
		routes = defaultRoutes()
	}
	n.lab.control.server.SetSubnetRoutes(n.key, routes)
}

func defaultRoutes() []netip.Prefix { return []netip.Prefix{tsaddr.AllIPv4(), tsaddr.AllIPv6()} }
