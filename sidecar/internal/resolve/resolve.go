// Package resolve turns names into addresses and back, and answers DNS queries: the host's hosts file first, then the
// tailnet's own DNS, and the host's resolver only for names that are not the tailnet's.
package resolve

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// Tailnet is what resolving needs of the node.
type Tailnet interface {
	Self() *node.Self
	Peers() *peers.Table
	DNS(ctx context.Context) (node.DNSSettings, error)
	// QueryDNS asks the tailnet's resolver. It may change query.
	QueryDNS(ctx context.Context, query []byte) ([]byte, error)
	// DNSServers are the tailnet's resolvers for name that are asked by plain DNS; DialDNS connects to one. There are
	// none when QueryDNS is to be asked.
	DNSServers(name string) []netip.AddrPort
	DialDNS(ctx context.Context, network string, server netip.AddrPort) (io.ReadWriteCloser, error)
	ExitNode() route.ExitNode
	InLab() bool
}

// Resolver looks names up. It is not to be copied once it was used.
type Resolver struct {
	Tailnet Tailnet
	Hosts   *Hosts
	// Host is the host's resolvers; nil when they are never to be asked.
	Host *Upstream

	cache cache
}

// Answer is what was found; nothing is an answer too.
type Answer struct {
	// Found: the name exists, though perhaps without an address of the wanted families.
	Found bool
	// Addresses are in the order to try them.
	Addresses []netip.Addr
	Names     []string
	// Canonical is the name that has the addresses, when it is another than was asked for.
	Canonical string
}

// maxNameLength is what fits into a DNS message, in bytes: RFC 1035 section 2.3.4.
const maxNameLength = 253

// Addresses looks up the addresses of name. The types choose the families.
func (r *Resolver) Addresses(ctx context.Context, name string, want4, want6 bool) (Answer, error) {
	absolute := strings.HasSuffix(name, ".")
	name = peers.CanonicalName(name)
	if addr, err := netip.ParseAddr(name); err == nil {
		return Answer{Found: true, Addresses: pick([]netip.Addr{addr}, want4, want6)}, nil
	}
	if !valid(name) {
		return Answer{}, nil
	}
	if found := r.Hosts.Addresses(name); len(found) > 0 {
		return Answer{Found: true, Addresses: pick(found, want4, want6)}, nil
	}
	if isLocalhost(name) {
		return Answer{Found: true, Addresses: pick(loopback(), want4, want6)}, nil
	}
	settings, err := r.Tailnet.DNS(ctx)
	if err != nil {
		return Answer{}, err
	}
	var failed error
	for _, candidate := range r.candidates(name, absolute, settings) {
		answer, err := r.addresses(ctx, candidate, settings, want4, want6)
		if err != nil {
			// The next may be found all the same, as resolver libraries have it.
			failed = firstOf(failed, err)
			continue
		}
		if answer.Found {
			if answer.Canonical == "" && candidate != name {
				answer.Canonical = candidate
			}
			return answer, nil
		}
	}
	return Answer{}, failed
}

// addresses looks up a complete name, and what it is another name of.
func (r *Resolver) addresses(ctx context.Context, name string, settings node.DNSSettings, want4, want6 bool) (Answer, error) {
	asked := name
	for range maxAliases {
		answer, err := r.addressesOnce(ctx, name, settings, want4, want6)
		if err != nil {
			return Answer{}, err
		}
		target := answer.Canonical
		if target == "" && name != asked {
			answer.Canonical = name
		}
		// A resolver that does not know the tailnet leaves an alias of its names open.
		if len(answer.Addresses) > 0 || target == "" || target == name || !r.isOwned(target, settings) || r.isOwned(name, settings) {
			return answer, nil
		}
		name = target
	}
	return Answer{}, nil
}

func (r *Resolver) addressesOnce(
	ctx context.Context, name string, settings node.DNSSettings, want4, want6 bool,
) (Answer, error) {
	if addrs, ok := r.addressesOf(name, settings); ok {
		return Answer{Found: true, Addresses: pick(addrs, want4, want6)}, nil
	}
	whom := r.authority(name, settings)
	if whom == nobody {
		return Answer{}, nil
	}
	type result struct {
		records records
		err     error
	}
	kinds := make([]dnsmessage.Type, 0, 2)
	if want4 {
		kinds = append(kinds, dnsmessage.TypeA)
	}
	if want6 {
		kinds = append(kinds, dnsmessage.TypeAAAA)
	}
	results := make([]result, len(kinds))
	done := make(chan struct{}, len(kinds))
	for i, kind := range kinds {
		go func() {
			results[i].records, results[i].err = r.ask(ctx, whom, name, kind, settings)
			done <- struct{}{}
		}()
	}
	for range kinds {
		<-done
	}
	var answer Answer
	var failed error
	for _, result := range results {
		if result.err != nil {
			failed = firstOf(failed, result.err)
			continue
		}
		answer.Found = answer.Found || result.records.exists
		answer.Addresses = append(answer.Addresses, result.records.addresses...)
		if result.records.canonical != "" {
			answer.Canonical = result.records.canonical
		}
	}
	answer.Addresses = pick(answer.Addresses, want4, want6)
	if len(answer.Addresses) == 0 && failed != nil {
		return Answer{}, failed
	}
	return answer, nil
}

// ask asks for the records of one type.
func (r *Resolver) ask(
	ctx context.Context, whom authority, name string, kind dnsmessage.Type, settings node.DNSSettings,
) (records, error) {
	query, err := newQuery(name, kind, nil)
	if err != nil {
		return records{}, err
	}
	answer, err := r.exchange(ctx, whom, name, query, settings)
	if err != nil {
		return records{}, err
	}
	return parseAnswer(answer)
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func loopback() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
}

// pick keeps the wanted families, unmapped and without repetitions.
func pick(addrs []netip.Addr, want4, want6 bool) []netip.Addr {
	var picked []netip.Addr
	for _, addr := range addrs {
		addr = addr.Unmap()
		if (addr.Is4() && want4 || addr.Is6() && want6) && !slices.Contains(picked, addr) {
			picked = append(picked, addr)
		}
	}
	return picked
}

// valid reports whether name can be one of DNS. Underscores and other characters are left to who answers.
func valid(name string) bool {
	if name == "" || len(name) > maxNameLength {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' })
}
