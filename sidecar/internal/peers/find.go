package peers

import (
	"net/netip"
	"strings"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// Find returns the peer that is meant by a host name, a complete name, an address or a stable id; nil for none. It is an error
// when it may be either of two. Names without a dot are of domain, or of the one tailnet that shares such a node.
func (t *Table) Find(wanted, domain string) (*Peer, error) {
	if addr, err := netip.ParseAddr(wanted); err == nil {
		peer, _ := t.ByAddress(addr.Unmap())
		return peer, nil
	}
	if peer, ok := t.ByID(tailcfg.StableNodeID(wanted)); ok {
		return peer, nil
	}
	name := CanonicalName(wanted)
	if peer, ok := t.ByName(name); ok || strings.Contains(name, ".") {
		return peer, nil
	}
	if peer, ok := t.ByName(name + "." + domain); ok {
		return peer, nil
	}
	var shared *Peer
	for _, peer := range t.All() {
		if peer.Host() != name {
			continue
		}
		if shared != nil {
			return nil, message.Errorf(message.NoSuchHost, "%s may be %s or %s; give the whole name", wanted, shared.Name, peer.Name)
		}
		shared = peer
	}
	return shared, nil
}

// Host returns the first label of the peer's name.
func (p *Peer) Host() string {
	host, _, _ := strings.Cut(p.Name, ".")
	return host
}
