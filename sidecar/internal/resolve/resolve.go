// Package resolve turns names into addresses and back: the host's hosts file first, then the tailnet's own DNS,
// and the host's resolver only for names that are not the tailnet's.
package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// Tailnet is what resolving needs of the node.
type Tailnet interface {
	Self() *node.Self
	Peers() *peers.Table
	DNS(ctx context.Context) (node.DNSSettings, error)
	QueryDNS(ctx context.Context, name, kind string) ([]byte, error)
	ExitNode() route.ExitNode
	InLab() bool
}

// HostResolver is the host's own; *net.Resolver is one.
type HostResolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Resolver looks names up.
type Resolver struct {
	Tailnet Tailnet
	Hosts   *Hosts
	Host    HostResolver
}

// Answer is what was found; nothing is an answer too.
type Answer struct {
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
	name = peers.CanonicalName(name)
	if addr, err := netip.ParseAddr(name); err == nil {
		return Answer{Addresses: pick([]netip.Addr{addr}, want4, want6)}, nil
	}
	if !valid(name) {
		return Answer{}, nil
	}
	if found := r.Hosts.Addresses(name); len(found) > 0 {
		return Answer{Addresses: pick(found, want4, want6)}, nil
	}
	// RFC 6761 section 6.3: localhost is never asked of anyone.
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return Answer{Addresses: pick(loopback(), want4, want6)}, nil
	}
	settings, err := r.Tailnet.DNS(ctx)
	if err != nil {
		return Answer{}, err
	}
	for _, candidate := range candidates(name, settings.Search) {
		answer, err := r.tailnetAddresses(ctx, candidate, settings, want4, want6)
		if err != nil {
			return Answer{}, err
		}
		if answer.found {
			if answer.Canonical == "" && candidate != name {
				answer.Canonical = candidate
			}
			return answer.Answer, nil
		}
	}
	if !r.mayAskHost(name, settings) {
		return Answer{}, nil
	}
	return r.hostAddresses(ctx, name, want4, want6)
}

// candidates are the names to try: a single label is first one of the tailnet's, as everywhere with search domains.
func candidates(name string, search []string) []string {
	if strings.Contains(name, ".") {
		return []string{name}
	}
	names := make([]string, 0, len(search)+1)
	for _, domain := range search {
		names = append(names, name+"."+domain)
	}
	return append(names, name)
}

// mayAskHost reports whether the host's resolver may learn of name: never of the tailnet's names, never what an
// exit node is to hide, and never from the lab, which has no outside.
func (r *Resolver) mayAskHost(name string, settings node.DNSSettings) bool {
	return !settings.Owns(name) && !settings.Everything && !r.Tailnet.ExitNode().Set && !r.Tailnet.InLab()
}

func (r *Resolver) hostAddresses(ctx context.Context, name string, want4, want6 bool) (Answer, error) {
	found, err := r.Host.LookupNetIP(ctx, network(want4, want6), name)
	if err != nil {
		return Answer{}, hostError(err)
	}
	return Answer{Addresses: pick(found, want4, want6)}, nil
}

// hostError keeps nothing of a name that does not exist.
func hostError(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		switch {
		case dns.IsNotFound:
			return nil
		case dns.IsTimeout:
			return message.Wrap(message.TimedOut, err)
		}
	}
	return err
}

func network(want4, want6 bool) string {
	switch {
	case want4 && want6:
		return "ip"
	case want6:
		return "ip6"
	default:
		return "ip4"
	}
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
	return !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f })
}
