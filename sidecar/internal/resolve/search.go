package resolve

import (
	"slices"
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/node"
)

// isLabelOfNode reports whether name is a single label by which the netmap has a node or a record. It is the tailnet's
// even with a dot behind it, as no top-level domain of that name has addresses.
func (r *Resolver) isLabelOfNode(name string, settings node.DNSSettings) bool {
	return !strings.Contains(name, ".") && slices.ContainsFunc(settings.Search, func(domain string) bool {
		_, ok := r.addressesOf(name+"."+domain, settings)
		return ok
	})
}

func (r *Resolver) hostSearch() []string {
	if r.Host == nil {
		return nil
	}
	settings, _ := r.Host.Conf.get()
	return slices.Clone(settings.search)
}

// candidates are the complete names that name may stand for, in the order to try them: resolv.conf(5), "search" and
// "ndots". The tailnet's domains come first.
func (r *Resolver) candidates(name string, absolute bool, settings node.DNSSettings) []string {
	switch {
	case absolute && !r.isLabelOfNode(name, settings),
		// What is the tailnet's is complete, and nobody else is to see more of it.
		r.isOwned(name, settings), isNowhere(name), hasInside(name, settings.Domain), r.isLeftover(name, settings):
		return []string{name}
	}
	domains := slices.Clone(settings.Search)
	ndots := 1
	if r.hasOutside(settings) {
		host, _ := r.Host.Conf.get()
		ndots = host.ndots
		domains = append(domains, host.search...)
	}
	names := make([]string, 0, len(domains)+1)
	first := strings.Count(name, ".") >= ndots
	if first {
		names = append(names, name)
	}
	for _, domain := range domains {
		if longer := name + "." + domain; valid(longer) && !slices.Contains(names, longer) {
			names = append(names, longer)
		}
	}
	if !first {
		names = append(names, name)
	}
	return names
}

// hasInside reports whether name goes on after domain: hello.x.ts.net.example. No resolver is to learn of the first
// part, and the whole is nobody's. A short domain may well be inside others: "example.com.au" has nothing to do with
// "example.com".
func hasInside(name, domain string) bool {
	return strings.Count(domain, ".") >= 2 && strings.Contains("."+name, "."+domain+".")
}

// isLeftover reports whether name is one of the tailnet's with a search domain behind it, as resolver libraries make
// when the first is not there. Only known domains are taken off: "google.com" may be the tailnet's, and "google.com.au"
// is not. A domain of one label, such as "corp", may be part of other names.
func (r *Resolver) isLeftover(name string, settings node.DNSSettings) bool {
	domains := append(r.hostSearch(), settings.Search...)
	// A library may have put one domain behind another. Each part is looked at once.
	parts := []string{name}
	for i := 0; i < len(parts); i++ {
		for _, domain := range domains {
			before, ok := strings.CutSuffix(parts[i], "."+domain)
			if !ok || !strings.Contains(before, ".") || slices.Contains(parts, before) {
				continue
			}
			if isNowhere(before) || isLongRoute(before, settings) || r.isTailnets(before, settings) {
				return true
			}
			parts = append(parts, before)
		}
	}
	return false
}

// isLongRoute reports whether the tailnet answers for name, or for a domain of more than a label that it is below.
func isLongRoute(name string, settings node.DNSSettings) bool {
	if _, ok := settings.Records[name]; ok {
		return true
	}
	return slices.ContainsFunc(settings.Routes, func(suffix string) bool {
		return strings.Contains(suffix, ".") && node.IsBelow(name, suffix)
	})
}
