package resolve

import (
	"context"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/node"
)

// DNS answers DNS messages, for programs with resolvers of their own and for res_query().
type DNS struct {
	Resolver *Resolver
}

// Answer returns the answer to a DNS message, at most limit bytes long (see UDPLimit; MaxMessage over TCP). It is nil
// only when query is too short to be answered. The hosts file has no part in it, as it has none in DNS.
func (d *DNS) Answer(ctx context.Context, query []byte, limit int) []byte {
	q, rcode := parseQuery(query)
	if q == nil {
		return nil
	}
	if rcode != dnsmessage.RCodeSuccess {
		return fit(q.reply(rcode), limit)
	}
	answer, err := d.answer(ctx, q)
	if err != nil {
		answer = q.reply(dnsmessage.RCodeServerFailure)
	}
	return fit(answer, limit)
}

// Resolvers returns the addresses at which programs ask for names.
func (d *DNS) Resolvers() []netip.Addr {
	if d.Resolver.Host == nil {
		return nil
	}
	return d.Resolver.Host.Conf.Resolvers()
}

func (d *DNS) answer(ctx context.Context, q *query) ([]byte, error) {
	if isLocalhost(q.name) {
		return q.localhost(), nil
	}
	settings, err := d.Resolver.Tailnet.DNS(ctx)
	if err != nil {
		return nil, err
	}
	if q.name != "" && !strings.Contains(q.name, ".") {
		if answer, err := d.label(ctx, q, settings); answer != nil || err != nil {
			return answer, err
		}
	}
	return d.complete(ctx, q, q.name, settings)
}

// localhost: RFC 6761 section 6.3.
func (q *query) localhost() []byte {
	switch q.kind {
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		return q.addresses(loopback())
	case dnsmessage.TypeALL:
		return q.anything()
	}
	return q.reply(dnsmessage.RCodeSuccess)
}

// label answers for a single label, when it is one of the tailnet's in a search domain. Other names come here from
// libraries that have gone through their search lists already.
func (d *DNS) label(ctx context.Context, q *query, settings node.DNSSettings) ([]byte, error) {
	var failed error
	for _, domain := range settings.Search {
		name := q.name + "." + domain
		if !valid(name) {
			continue
		}
		wire, err := newQuery(name, q.kind, q)
		if err != nil {
			return nil, err
		}
		long, rcode := parseQuery(wire)
		if rcode != dnsmessage.RCodeSuccess {
			continue
		}
		answer, err := d.complete(ctx, long, name, settings)
		if err != nil {
			failed = firstOf(failed, err)
			continue
		}
		switch rcodeOf(answer) {
		case dnsmessage.RCodeSuccess:
			return q.restore(answer), nil
		case dnsmessage.RCodeNameError, dnsmessage.RCodeRefused:
		default:
			return q.reply(rcodeOf(answer)), nil
		}
	}
	// What may be the tailnet's is not asked of the host for want of an answer.
	return nil, failed
}

// complete answers for a complete name, which is q's.
func (d *DNS) complete(ctx context.Context, q *query, name string, settings node.DNSSettings) ([]byte, error) {
	r := d.Resolver
	whom := r.authority(name, settings)
	if answer := r.fromNetmap(q, name, whom, settings); answer != nil {
		return answer, nil
	}
	switch whom {
	case nobody:
		return q.reply(dnsmessage.RCodeNameError), nil
	case ofHost:
		// As it came, so that flags and options mean to the host's resolver what they mean to the program.
		answer, err := r.exchange(ctx, whom, name, q.raw, settings)
		if err != nil {
			return nil, err
		}
		return q.relay(answer), nil
	}
	kind := q.kind
	if kind == dnsmessage.TypeALL {
		// Whether the name exists is all that is asked of the tailnet then: RFC 8482.
		kind = dnsmessage.TypeA
	}
	answer, err := r.exchange(ctx, whom, name, q.plain(kind), settings)
	if err != nil {
		return nil, err
	}
	if kind != q.kind {
		if rcode := rcodeOf(answer); rcode != dnsmessage.RCodeSuccess {
			return q.reply(rcode), nil
		}
		return q.anything(), nil
	}
	if _, exists := r.addressesOf(name, settings); exists && rcodeOf(answer) == dnsmessage.RCodeNameError {
		// It has no record of this type, but it is there.
		return q.reply(dnsmessage.RCodeSuccess), nil
	}
	return q.relay(answer), nil
}

// fromNetmap answers what the netmap knows: the addresses of nodes and of extra records, and their names. Nil leaves
// it to somebody else.
func (r *Resolver) fromNetmap(q *query, name string, whom authority, settings node.DNSSettings) []byte {
	if addrs, ok := r.addressesOf(name, settings); ok {
		switch q.kind {
		case dnsmessage.TypeA, dnsmessage.TypeAAAA:
			return q.addresses(addrs)
		case dnsmessage.TypeALL:
			return q.anything()
		}
		if whom != ofTailnet {
			// It exists, and there is nobody who could have more of it.
			return q.reply(dnsmessage.RCodeSuccess)
		}
		return nil
	}
	prefix, ok := reversePrefix(name)
	if !ok || !prefix.IsSingleIP() || q.kind != dnsmessage.TypePTR || name != reverseName(prefix.Addr()) {
		return nil
	}
	if prefix.Addr().IsLoopback() {
		return q.names([]string{"localhost"})
	}
	if names := r.namesOf(prefix.Addr(), settings); len(names) > 0 {
		return q.names(names)
	}
	return nil
}
