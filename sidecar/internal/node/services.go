package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// serviceLimit is how long the control server may take to let this node host a service.
const serviceLimit = 10 * time.Second

// services are the Tailscale Services that this node offers to host.
type services struct {
	// editing is held while the preferences follow offered.
	editing sync.Mutex
	offered map[string]int // how often
}

// servicesOf reads which services a node may host from its capabilities. What cannot be read is none.
func servicesOf(node *tailcfg.Node) map[string][]netip.Addr {
	mappings, err := tailcfg.UnmarshalNodeCapJSON[tailcfg.ServiceIPMappings](node.CapMap, tailcfg.NodeAttrServiceHost)
	if err != nil || len(mappings) == 0 {
		return nil
	}
	found := map[string][]netip.Addr{}
	for _, mapping := range mappings {
		for name, addrs := range mapping {
			found[name.String()] = append(found[name.String()], addrs...)
		}
	}
	return found
}

func (s *Self) serviceAddresses() []netip.Addr {
	var all []netip.Addr
	for _, addrs := range s.Services {
		all = append(all, addrs...)
	}
	return all
}

// Host offers to host a service until it is withdrawn, and returns its addresses when the control server has let it.
func (n *Node) Host(ctx context.Context, service string) (addrs []netip.Addr, withdraw func(), err error) {
	if self := n.self.Load(); self == nil || len(self.Tags) == 0 {
		return nil, nil, message.Errorf(message.Denied, "a Tailscale Service is hosted by tagged nodes only, and this one has no tag; log it in with one")
	}
	if err := n.offer(ctx, service, 1); err != nil {
		return nil, nil, err
	}
	withdraw = sync.OnceFunc(func() {
		// The node may be ending, which withdraws everything.
		_ = n.offer(n.ctx, service, -1)
	})
	ctx, cancel := context.WithTimeoutCause(ctx, serviceLimit, message.Errorf(message.NoRoute,
		"the tailnet did not let this node host %s within %v; define the service and approve its host", service, serviceLimit))
	defer cancel()
	for {
		next := n.changes.next()
		if addrs := n.self.Load().Services[service]; len(addrs) > 0 {
			return addrs, withdraw, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			withdraw()
			return nil, nil, context.Cause(ctx)
		}
	}
}

// offer counts who hosts a service and has the preferences say which are hosted.
func (n *Node) offer(ctx context.Context, service string, more int) error {
	s := &n.services
	s.editing.Lock()
	defer s.editing.Unlock()
	client := n.local.Load()
	if client == nil {
		return errNotStarted
	}
	if s.offered == nil {
		s.offered = map[string]int{}
	}
	s.offered[service] += more
	names := []string{}
	for name, count := range s.offered {
		if count > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	_, err := client.EditPrefs(ctx, &ipn.MaskedPrefs{
		AdvertiseServicesSet: true,
		Prefs:                ipn.Prefs{AdvertiseServices: names},
	})
	if err != nil {
		s.offered[service] -= more
		return fmt.Errorf("offering %s: %w", service, err)
	}
	return nil
}

var errNotStarted = message.Errorf(message.NotConnected, "the node was not started")
