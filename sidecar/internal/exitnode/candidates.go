package exitnode

import (
	"context"
	"slices"
	"strings"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// maxAuto is how many nodes are asked to find the nearest. In a tailnet of more, Tailscale suggests one.
const maxAuto = 16

// candidate is a node that may become the exit node, or why what was wanted cannot.
type candidate struct {
	wanted string
	peer   *peers.Peer
	// rank orders them; of those with the same rank the nearest is preferred.
	rank int
	err  error
}

// candidatesOf finds the nodes that are wanted, each once, those preferred first.
func candidatesOf(ctx context.Context, tailnet Tailnet, wanted []string) []candidate {
	var all []candidate
	known := func(peer *peers.Peer) bool {
		return slices.ContainsFunc(all, func(c candidate) bool { return c.peer != nil && c.peer.StableID == peer.StableID })
	}
	rank := 0
	for _, text := range wanted {
		rank++
		if !isAuto(text) {
			peer, err := resolve(tailnet, text)
			if err == nil {
				if known(peer) {
					continue
				}
				err = usable(peer)
			}
			all = append(all, candidate{wanted: text, peer: peer, rank: rank, err: err})
			continue
		}
		suggested, others := automatic(ctx, tailnet)
		if suggested != nil && !known(suggested) {
			all = append(all, candidate{wanted: text, peer: suggested, rank: rank})
		}
		rank++
		for _, peer := range others {
			if !known(peer) {
				all = append(all, candidate{wanted: text, peer: peer, rank: rank})
			}
		}
		if suggested == nil && len(others) == 0 {
			all = append(all, candidate{wanted: text, rank: rank, err: message.Errorf(message.ExitNodeDown,
				"the tailnet has no exit node that is online and approved")})
		}
	}
	return all
}

// automatic returns what Tailscale suggests, or nil, and the others that are online, in no order.
func automatic(ctx context.Context, tailnet Tailnet) (suggested *peers.Peer, others []*peers.Peer) {
	suggested = suggestion(ctx, tailnet)
	for _, peer := range tailnet.Peers().All() {
		// Mullvad's are hundreds, and what is near says only Tailscale's suggestion.
		if usable(peer) == nil && !peer.WireGuardOnly && peer != suggested && len(others) < maxAuto {
			others = append(others, peer)
		}
	}
	return suggested, others
}

func suggestion(ctx context.Context, tailnet Tailnet) *peers.Peer {
	// It fails while Tailscale does not know its own place, and is one of several ways to find a node.
	id, err := tailnet.Suggest(ctx)
	if err != nil || id == "" {
		return nil
	}
	peer, ok := tailnet.Peers().ByID(id)
	if !ok || usable(peer) != nil {
		return nil
	}
	return peer
}

// without leaves a node out.
func without(all []candidate, id tailcfg.StableNodeID) []candidate {
	return slices.DeleteFunc(all, func(c candidate) bool { return c.peer != nil && c.peer.StableID == id })
}

// why says why none of them can be the exit node.
func why(all []candidate) error {
	if len(all) == 0 {
		return message.Errorf(message.ExitNodeDown, "there is no exit node left to try")
	}
	if len(all) == 1 {
		return all[0].err
	}
	code := message.CodeOf(all[0].err)
	reasons := make([]error, len(all))
	for i, c := range all {
		if message.CodeOf(c.err) != code {
			code = message.ExitNodeDown
		}
		reasons[i] = c.err
	}
	return message.Errorf(code, "none of the exit nodes can be used: %w", joined(reasons))
}

// joined is errors.Join on one line.
type joined []error

func (j joined) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (j joined) Unwrap() []error { return j }
