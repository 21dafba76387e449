package node

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/net/dns"
	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// dnsConfigAge is how long the tailnet's DNS settings are used before they are asked for again. A change of
// them comes with no event, and until it is seen a new name of the tailnet is the host's.
const dnsConfigAge = time.Second

// DNSSettings say which names are the tailnet's.
type DNSSettings struct {
	// Version is another one after each change of these settings or of the netmap.
	Version uint64
	// Domain has the names of the tailnet's nodes, whether or not MagicDNS answers for them.
	Domain string
	// MagicDNS: the node answers for Domain and for the reverse zones of the tailnet's addresses.
	MagicDNS bool
	// Search has the domains to try for names that are not complete.
	Search []string
	// Routes are the suffixes that the tailnet's resolvers answer for.
	Routes []string
	// Inner are those among Routes that the node answers for by itself.
	Inner []string
	// Records are the addresses of extra records, by name.
	Records map[string][]netip.Addr
	// Everything: the tailnet has resolvers for all other names too.
	Everything bool
}

// Owns reports whether name can only be a name of the tailnet. No other resolver may be asked for it.
func (d DNSSettings) Owns(name string) bool {
	name = peers.CanonicalName(name)
	return IsBelow(name, d.Domain) || d.Answers(name)
}

// Answers reports whether the tailnet has somebody who answers for name in particular.
func (d DNSSettings) Answers(name string) bool {
	if d.MagicDNS && IsBelow(name, d.Domain) {
		return true
	}
	if _, ok := d.Records[name]; ok {
		return true
	}
	return slices.ContainsFunc(d.Routes, func(suffix string) bool { return IsBelow(name, suffix) })
}

// AnswersItself reports whether the node answers for name without asking anyone.
func (d DNSSettings) AnswersItself(name string) bool {
	if _, ok := d.Records[name]; ok {
		return true
	}
	return d.MagicDNS && IsBelow(name, d.Domain) ||
		slices.ContainsFunc(d.Inner, func(suffix string) bool { return IsBelow(name, suffix) })
}

// IsBelow reports whether name is domain or ends in it. Both are canonical; nothing is below "".
func IsBelow(name, domain string) bool {
	before, ok := strings.CutSuffix(name, domain)
	return ok && domain != "" && (before == "" || strings.HasSuffix(before, "."))
}

type dnsCache struct {
	manager atomic.Pointer[dns.Manager]

	mu       sync.Mutex
	config   *tailcfg.DNSConfig
	settings DNSSettings
	version  uint64
	until    time.Time
}

func (c *dnsCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = nil
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
	if n.dns.config == nil || !reflect.DeepEqual(config, n.dns.config) {
		n.dns.version++
		n.dns.config = config
		n.dns.settings = newDNSSettings(config, self.MagicDNSSuffix)
		n.dns.settings.Version = n.dns.version
	}
	n.dns.until = time.Now().Add(dnsConfigAge)
	return n.dns.settings, nil
}

func newDNSSettings(config *tailcfg.DNSConfig, magicSuffix string) DNSSettings {
	settings := DNSSettings{
		Domain:     peers.CanonicalName(magicSuffix),
		MagicDNS:   config.Proxied && magicSuffix != "",
		Everything: len(config.Resolvers) > 0,
		Records:    map[string][]netip.Addr{},
	}
	for suffix, resolvers := range config.Routes {
		suffix = peers.CanonicalName(suffix)
		switch {
		case suffix == "":
			settings.Everything = settings.Everything || len(resolvers) > 0
			continue
		case len(resolvers) == 0:
			settings.Inner = append(settings.Inner, suffix)
		}
		settings.Routes = append(settings.Routes, suffix)
	}
	for _, record := range config.ExtraRecords {
		name := peers.CanonicalName(record.Name)
		// Tailscale takes the type from the value, and leaves out what is no address. The name is the tailnet's all the same.
		settings.Records[name] = append(settings.Records[name], addressesOf(record)...)
	}
	for _, domain := range config.Domains {
		settings.Search = append(settings.Search, peers.CanonicalName(domain))
	}
	return settings
}

func addressesOf(record tailcfg.DNSRecord) []netip.Addr {
	addr, err := netip.ParseAddr(record.Value)
	if err != nil || record.Type != "" && record.Type != "A" && record.Type != "AAAA" {
		return nil
	}
	return []netip.Addr{addr.Unmap()}
}

func cutDot(name string) (before, after string, found bool) { return strings.Cut(name, ".") }
