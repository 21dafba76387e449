package node

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// Whois returns the node that has addr as its own, this one included; nil when nobody has it.
func (n *Node) Whois(addr netip.Addr) *peers.Peer {
	if peer, ok := n.peers.ByAddress(addr); ok {
		return peer
	}
	if self := n.self.Load(); self != nil && slices.Contains(self.Addresses, addr) {
		return &peers.Peer{
			StableID:  self.ID,
			Name:      self.Name,
			Addresses: self.Addresses,
			Online:    true,
			User:      self.User,
			Tags:      self.Tags,
		}
	}
	return nil
}

// IsPeerAPI reports whether Tailscale's peer API has a port of the tailnet: what comes to that never reaches our stack.
func (n *Node) IsPeerAPI(ctx context.Context, port uint16) bool {
	client := n.local.Load()
	if client == nil {
		return false
	}
	status, err := client.StatusWithoutPeers(ctx)
	if err != nil || status.Self == nil {
		return false
	}
	return slices.ContainsFunc(status.Self.PeerAPIURL, func(text string) bool {
		parsed, err := url.Parse(text)
		return err == nil && parsed.Port() == strconv.Itoa(int(port))
	})
}
