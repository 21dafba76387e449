package node

import (
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/warmth"
)

// warmTunnel is the node as warmth needs it.
type warmTunnel struct{ node *Node }

var _ warmth.Tunnel = warmTunnel{}

// Peer implements warmth.Tunnel.
func (w warmTunnel) Peer(id tailcfg.StableNodeID) (*peers.Peer, bool) { return w.node.peers.ByID(id) }

// Handshake implements warmth.Tunnel.
func (w warmTunnel) Handshake(peer *peers.Peer) time.Time { return w.node.engine.handshake(peer.Key) }

// Ping implements warmth.Tunnel.
func (w warmTunnel) Ping(peer *peers.Peer) { w.node.engine.tsmp(peer.Addresses[0], func() {}) }
