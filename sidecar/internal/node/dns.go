package node

import (
	"context"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// dnsConfigAge is how long the tailnet's DNS settings are used before they are asked for again. A change of
// them comes with no event.
const dnsConfigAge = 5 * time.Second

// DNSSettings say which names are the tailnet's.
type DNSSettings struct {
	// Search has the domains to try for single labels.
	Search []string
	// Routes are the suffixes that the tailnet's resolvers answer for, MagicDNS among them.
	Routes []string
	// Everything: the tailnet has resolvers for all other names too.
	Everything bool
}

// Owns reports whether name can only be a name of the tailnet. No other resolver may be asked for it.
func (d DNSSettings) Owns(name string) bool {
	name = peers.CanonicalName(name)
	for _, suffix := range d.Routes {
		if name == suffix || strings.HasSuffix(name, "."+suffix) {
			return true
		}
	}
	return false
}

type dnsCache struct {
	mu       sync.Mutex
	settings DNSSettings
	until    time.Time
}

func (c *dnsCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Time{}
}

// DNS returns the tailnet's DNS settings.
func (n *Node) DNS(ctx context.Context) (DNSSettings, error) {
	client := n.local.Load()
	self := n.self.Load()
	if client == nil || self == nil {
		return DNSSettings{}, message.Errorf(message.NotConnected, "the node has no netmap yet")
	}
	n.dns.mu.Lock()
	defer n.dns.mu.Unlock()
	if time.Now().Before(n.dns.until) {
		return n.dns.settings, nil
	}
	config, err := client.DNSConfig(ctx)
	if err != nil {
		return DNSSettings{}, err
	}
	n.dns.settings = newDNSSettings(config, self.MagicDNSSuffix)
	n.dns.until = time.Now().Add(dnsConfigAge)
	return n.dns.settings, nil
}

func newDNSSettings(config *tailcfg.DNSConfig, magicSuffix string) DNSSettings {
	var settings DNSSettings
	if config.Proxied && magicSuffix != "" {
		settings.Routes = append(settings.Routes, magicSuffix)
	}
	for suffix := range config.Routes {
		settings.Routes = append(settings.Routes, peers.CanonicalName(suffix))
	}
	for _, record := range config.ExtraRecords {
		settings.Routes = append(settings.Routes, peers.CanonicalName(record.Name))
	}
	for _, domain := range config.Domains {
		settings.Search = append(settings.Search, peers.CanonicalName(domain))
	}
	settings.Everything = len(config.Resolvers) > 0
	return settings
}

// QueryDNS asks the tailnet's resolver. kind is a record type such as A; the answer is a DNS message.
func (n *Node) QueryDNS(ctx context.Context, name, kind string) ([]byte, error) {
	client := n.local.Load()
	if client == nil {
		return nil, message.Errorf(message.NotConnected, "the node is not connected")
	}
	answer, _, err := client.QueryDNS(ctx, name, kind)
	return answer, err
}

func cutDot(name string) (before, after string, found bool) { return strings.Cut(name, ".") }
