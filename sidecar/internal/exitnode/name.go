package exitnode

import (
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/nearest"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// Auto is the word for the exit node that is best now.
const Auto = "auto"

func isAuto(wanted string) bool { return strings.EqualFold(wanted, Auto) }

// resolve finds the node that is meant by a host name, a complete name, an address or a stable id.
func resolve(tailnet Tailnet, wanted string) (*peers.Peer, error) {
	peer, err := tailnet.Peers().Find(wanted, tailnet.Domain())
	if err == nil && peer == nil {
		err = unknown(tailnet, wanted)
	}
	return peer, err
}

// hostOf returns the first label of a peer's name.
func hostOf(peer *peers.Peer) string { return peer.Host() }

func unknown(tailnet Tailnet, wanted string) error {
	if tailnet.IsSelf(wanted) {
		return message.Errorf(message.Denied, "%s is this node itself; name another", wanted)
	}
	var offered []string
	for _, peer := range tailnet.Peers().All() {
		if peer.ExitNodeOption {
			offered = append(offered, hostOf(peer))
		}
	}
	host, _, _ := strings.Cut(peers.CanonicalName(wanted), ".")
	if near := nearest.Names(host, offered); len(near) > 0 {
		return message.Errorf(message.NoSuchHost, "there is no node %.100q; did you mean %s?", wanted, strings.Join(near, " or "))
	}
	switch {
	case len(offered) == 0:
		return message.Errorf(message.NoSuchHost, "there is no node %.100q, and the tailnet has no exit node", wanted)
	case len(offered) > maxListed:
		return message.Errorf(message.NoSuchHost, "there is no node %.100q; the exit nodes are %s and %d more",
			wanted, strings.Join(offered[:maxListed], ", "), len(offered)-maxListed)
	}
	return message.Errorf(message.NoSuchHost, "there is no node %.100q; the exit nodes are %s", wanted, strings.Join(offered, ", "))
}

// maxListed is how many exit nodes are named when none is near.
const maxListed = 8
