package resolve

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// epoch returns what answers depend on now.
func (r *Resolver) epoch(settings node.DNSSettings) epoch {
	exit := r.Tailnet.ExitNode()
	now := epoch{settings: settings.Version, exit: exit.Set}
	if exit.Peer != nil {
		now.exitName = string(exit.Peer.StableID)
	}
	if r.Host != nil {
		_, now.host = r.Host.Conf.get()
	}
	return now
}

// exchange sends a query for name to whom it belongs and returns the answer, which may be a kept one. Its id is not
// the query's.
func (r *Resolver) exchange(
	ctx context.Context, whom authority, name string, query []byte, settings node.DNSSettings,
) ([]byte, error) {
	if whom == ofHost {
		return r.cache.exchange(ctx, r.epoch(settings), "host", query, true, func(ctx context.Context) ([]byte, error) {
			return r.Host.Exchange(ctx, query)
		})
	}
	// What the node answers by itself is kept nowhere: it costs nothing, and is new at once.
	inner := r.isInner(name, settings)
	return r.cache.exchange(ctx, r.epoch(settings), "tailnet", query, !inner, func(ctx context.Context) ([]byte, error) {
		if !inner {
			// Tailscale's forwarder would ask them from the host's own network too, which is not where they are.
			if addresses := r.Tailnet.DNSServers(name); len(addresses) > 0 {
				resolvers := servers{
					dial: r.Tailnet.DialDNS, addresses: addresses[:min(len(addresses), maxAsked)],
					timeout: tailnetTimeout, attempts: tailnetAttempts,
				}
				return resolvers.exchange(ctx, query)
			}
		}
		// It would ask an exit node that does not answer, or others from the host's own network.
		if exit := r.Tailnet.ExitNode(); exit.Set && !exit.Up && !r.isOwned(name, settings) {
			return nil, message.Errorf(message.ExitNodeDown, "the exit node is down, and %s is only looked up through it", name)
		}
		asked := withID(query)
		answer, err := r.Tailnet.QueryDNS(ctx, bytes.Clone(asked))
		if err != nil {
			return nil, fmt.Errorf("asking the tailnet for %s: %w", name, err)
		}
		if !fits(asked, answer) {
			return nil, message.Errorf(message.TimedOut, "asking the tailnet for %s: %w", name, errMalformed)
		}
		return answer, nil
	})
}

// As resolv.conf(5) has them for the host's, but for less patience: the ways of the tailnet are short.
const (
	tailnetTimeout  = 3 * time.Second
	tailnetAttempts = 2
)

// isInner reports whether the node answers for name without asking anyone.
func (r *Resolver) isInner(name string, settings node.DNSSettings) bool {
	if settings.AnswersItself(name) || r.isBelowPeer(name) {
		return true
	}
	if _, ok := r.addressesOf(name, settings); ok {
		return true
	}
	prefix, ok := reversePrefix(name)
	return ok && route.IsTailscale(prefix.Addr()) && route.IsTailscale(lastOf(prefix))
}
