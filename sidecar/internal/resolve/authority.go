package resolve

import (
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/node"
)

// authority is who is asked for a name.
type authority int

const (
	// nobody: the name exists nowhere, and to ask would tell somebody a name of the tailnet.
	nobody authority = iota
	ofTailnet
	ofHost
)

// authority says who is asked for name: the host's resolver never for a name of the tailnet, never for what an exit
// node is to hide, and never from the lab, which has no outside.
func (r *Resolver) authority(name string, settings node.DNSSettings) authority {
	switch {
	case isNowhere(name), hasInside(name, settings.Domain):
		return nobody
	case settings.Answers(name):
		return ofTailnet
	case r.isLeftover(name, settings):
		return nobody
	case !r.hasOutside(settings):
		return ofTailnet
	case !r.isTailnets(name, settings):
		return ofHost
	case settings.MagicDNS:
		return ofTailnet
	}
	// The tailnet has nobody to ask.
	return nobody
}

// isTailnets reports whether name is a node's or below one, in the tailnet's domain, or of an address of the tailnet.
func (r *Resolver) isTailnets(name string, settings node.DNSSettings) bool {
	if node.IsBelow(name, settings.Domain) || r.isBelowPeer(name) {
		return true
	}
	prefix, ok := reversePrefix(name)
	return ok && r.isOfTailnet(prefix)
}

// hasOutside reports whether the host's resolver may be asked for anything.
func (r *Resolver) hasOutside(settings node.DNSSettings) bool {
	return r.Host != nil && !settings.Everything && !r.Tailnet.ExitNode().Set && !r.Tailnet.InLab()
}

// isNowhere reports whether name is one that no resolver is to be asked for: RFC 6761 section 6.4, RFC 7686.
func isNowhere(name string) bool { return node.IsBelow(name, "invalid") || node.IsBelow(name, "onion") }

// isLocalhost: RFC 6761 section 6.3.
func isLocalhost(name string) bool { return node.IsBelow(name, "localhost") }

// isOwned reports whether name can only be the tailnet's.
func (r *Resolver) isOwned(name string, settings node.DNSSettings) bool {
	return settings.Answers(name) || r.isTailnets(name, settings)
}

// isBelowPeer reports whether name is a peer's or ends in one. Peers that are shared from other tailnets are outside
// the tailnet's domain.
func (r *Resolver) isBelowPeer(name string) bool {
	for {
		if _, ok := r.Tailnet.Peers().ByName(name); ok {
			return true
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok || !strings.Contains(parent, ".") {
			return false
		}
		name = parent
	}
}
