package node

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// ExitNodes chooses and watches the exit node.
func (n *Node) ExitNodes() *exitnode.Manager { return n.exits }

// ExitNode returns the exit node in force.
func (n *Node) ExitNode() route.ExitNode {
	state := n.exits.Current()
	if state == nil {
		return route.ExitNode{}
	}
	found := route.ExitNode{Set: true, LANAccess: state.LANAccess, Reason: state.Reason}
	// The netmap may have changed before whoever watches has seen it.
	peer, ok := n.peers.ByID(state.Peer.StableID)
	if state.Lease == nil || !ok || !peer.Online || !peer.ExitNodeOption {
		return found
	}
	found.Up, found.Peer, found.Lease = true, peer, state.Lease
	return found
}

// exitTailnet is the node as exit nodes need it.
type exitTailnet struct{ *Node }

var _ exitnode.Tailnet = exitTailnet{}

// Running implements exitnode.Tailnet.
func (t exitTailnet) Running() error {
	_, err := t.Node.Running()
	return err
}

// Domain implements exitnode.Tailnet.
func (t exitTailnet) Domain() string {
	if self := t.self.Load(); self != nil {
		return self.MagicDNSSuffix
	}
	return ""
}

// IsSelf implements exitnode.Tailnet.
func (t exitTailnet) IsSelf(text string) bool {
	self := t.self.Load()
	if self == nil {
		return false
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return slices.Contains(self.Addresses, addr.Unmap())
	}
	name := peers.CanonicalName(text)
	return name == self.Name || name == self.Hostname() || text == string(self.ID)
}

// Await implements exitnode.Tailnet.
// A candidate that is asked is not used yet.
func (t exitTailnet) Await(ctx context.Context, peer *peers.Peer) { t.paths.await(ctx, peer) }

// Ping implements exitnode.Tailnet.
func (t exitTailnet) Ping(peer *peers.Peer, answered func()) {
	if len(peer.Addresses) > 0 {
		t.engine.tsmp(peer.Addresses[0], answered)
	}
}

// Seek implements exitnode.Tailnet.
func (t exitTailnet) Seek(peer *peers.Peer, answered func()) {
	if len(peer.Addresses) > 0 {
		t.engine.disco(peer.Addresses[0], func(time.Duration) { answered() })
	}
}

// Restart implements exitnode.Tailnet.
func (t exitTailnet) Restart(peer *peers.Peer) { t.engine.reset(peer.Key) }

// Handshake implements exitnode.Tailnet.
func (t exitTailnet) Handshake(peer *peers.Peer) time.Time { return t.engine.handshake(peer.Key) }

// Counters implements exitnode.Tailnet.
func (t exitTailnet) Counters(peer *peers.Peer) exitnode.Counters {
	received, sent := t.engine.bytes(peer.Key)
	return exitnode.Counters{Received: received, Sent: sent}
}

// Use implements exitnode.Tailnet.
func (t exitTailnet) Use(ctx context.Context, id tailcfg.StableNodeID, lanAccess bool) error {
	client := t.local.Load()
	if client == nil {
		return errNotStarted
	}
	_, err := client.EditPrefs(ctx, &ipn.MaskedPrefs{
		ExitNodeIDSet:             true,
		ExitNodeAllowLANAccessSet: true,
		Prefs:                     ipn.Prefs{ExitNodeID: id, ExitNodeAllowLANAccess: lanAccess},
	})
	return err
}

// Used implements exitnode.Tailnet.
func (t exitTailnet) Used(ctx context.Context) (tailcfg.StableNodeID, bool, error) {
	client := t.local.Load()
	if client == nil {
		return "", false, errNotStarted
	}
	status, err := client.StatusWithoutPeers(ctx)
	if err != nil || status.ExitNodeStatus == nil {
		return "", false, err
	}
	return status.ExitNodeStatus.ID, status.ExitNodeStatus.Online, nil
}

// Carries implements exitnode.Tailnet.
func (t exitTailnet) Carries(addr netip.Addr) bool {
	dialer := t.dialer.Load()
	return dialer != nil && dialer.UseNetstackForIP != nil && dialer.UseNetstackForIP(addr)
}

// Suggest implements exitnode.Tailnet.
func (t exitTailnet) Suggest(ctx context.Context) (tailcfg.StableNodeID, error) {
	client := t.local.Load()
	if client == nil {
		return "", errNotStarted
	}
	suggested, err := client.SuggestExitNode(ctx)
	return suggested.ID, err
}

// Flush implements exitnode.Tailnet.
func (t exitTailnet) Flush(ctx context.Context) {
	if stack := t.stack.Load(); stack != nil {
		stack.Flush(ctx)
	}
}
