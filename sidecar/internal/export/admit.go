package export

import (
	"net/netip"
	"slices"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// admit returns why a connection is not let in.
func (e *export) admit(c *Connection) error {
	if !allows(e.params.Allow, c.Peer) {
		return message.Errorf(message.Denied, "%s is none of those whom export %d lets in", nameOf(c.Remote, c.Peer), e.id)
	}
	if !e.params.Ask {
		return nil
	}
	question := message.Ask{
		Origin:      message.OriginExport,
		Direction:   message.DirectionInbound,
		Network:     c.Network,
		Source:      c.Remote.String(),
		Destination: c.Local.String(),
		Export:      e.id,
		Run:         e.params.Run,
	}
	if c.Peer != nil {
		question.Peer, question.User, question.Tags = c.Peer.Name, c.Peer.User, c.Peer.Tags
	}
	return e.table.host.Ask(e.ctx, question)
}

// allows reports whether a peer is one of those that are let in. Whoever is not known is none of them.
func allows(allow message.Allow, peer *peers.Peer) bool {
	if len(allow.Users) == 0 && len(allow.Tags) == 0 {
		return true
	}
	if peer == nil {
		return false
	}
	return peer.User != "" && slices.Contains(allow.Users, peer.User) ||
		slices.ContainsFunc(allow.Tags, func(tag string) bool { return slices.Contains(peer.Tags, tag) })
}

func nameOf(remote netip.AddrPort, peer *peers.Peer) string {
	if peer == nil {
		return remote.Addr().String()
	}
	return peer.Name
}
