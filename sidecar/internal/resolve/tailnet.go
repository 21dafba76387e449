package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

type tailnetAnswer struct {
	Answer
	// found: the name exists, though perhaps without an address of the wanted family.
	found bool
}

// tailnetAddresses asks the netmap, then the tailnet's DNS.
func (r *Resolver) tailnetAddresses(ctx context.Context, name string, settings node.DNSSettings, want4, want6 bool) (tailnetAnswer, error) {
	if addrs, ok := r.ofNode(name); ok {
		return tailnetAnswer{Answer{Addresses: pick(addrs, want4, want6)}, true}, nil
	}
	// What nobody of the tailnet answers for is the host's, and asking would only take time.
	if r.mayAskHost(name, settings) {
		return tailnetAnswer{}, nil
	}
	type result struct {
		records records
		err     error
	}
	kinds := make([]string, 0, 2)
	if want4 {
		kinds = append(kinds, "A")
	}
	if want6 {
		kinds = append(kinds, "AAAA")
	}
	results := make([]result, len(kinds))
	done := make(chan struct{}, len(kinds))
	for i, kind := range kinds {
		go func() {
			results[i].records, results[i].err = r.query(ctx, name, kind)
			done <- struct{}{}
		}()
	}
	for range kinds {
		<-done
	}
	var answer tailnetAnswer
	var failed error
	for _, result := range results {
		if result.err != nil {
			failed = result.err
			continue
		}
		answer.found = answer.found || result.records.exists
		answer.Addresses = append(answer.Addresses, result.records.addresses...)
		if result.records.canonical != "" {
			answer.Canonical = result.records.canonical
		}
	}
	answer.Addresses = pick(answer.Addresses, want4, want6)
	if len(answer.Addresses) == 0 && failed != nil {
		return tailnetAnswer{}, failed
	}
	return answer, nil
}

// ofNode finds this node or a peer by its full name.
func (r *Resolver) ofNode(name string) ([]netip.Addr, bool) {
	if self := r.Tailnet.Self(); self != nil && self.Name == name {
		return self.Addresses, true
	}
	if peer, ok := r.Tailnet.Peers().ByName(name); ok {
		return peer.Addresses, true
	}
	return nil, false
}

// records is what a DNS answer says.
type records struct {
	exists    bool
	canonical string
	addresses []netip.Addr
	names     []string
}

func (r *Resolver) query(ctx context.Context, name, kind string) (records, error) {
	answer, err := r.Tailnet.QueryDNS(ctx, name, kind)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return records{}, fmt.Errorf("asking the tailnet for %s: %w", name, err)
	}
	found, err := parseAnswer(answer)
	if err != nil {
		return records{}, fmt.Errorf("asking the tailnet for %s: %w", name, err)
	}
	return found, nil
}

// maxAliases bounds a chain of CNAMEs.
const maxAliases = 16

// parseAnswer reads a DNS message. It comes from outside.
func parseAnswer(answer []byte) (records, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(answer)
	if err != nil {
		return records{}, fmt.Errorf("the answer is no DNS message: %w", err)
	}
	switch header.RCode {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return records{}, nil
	case dnsmessage.RCodeRefused:
		// Tailscale's answer for names that it has no resolver for.
		return records{}, nil
	default:
		return records{}, message.Errorf(message.TimedOut, "the resolver failed (%v)", header.RCode)
	}
	if err := parser.SkipAllQuestions(); err != nil {
		return records{}, fmt.Errorf("the answer is no DNS message: %w", err)
	}
	found := records{exists: true}
	aliases := 0
	for {
		resource, err := parser.Answer()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return found, nil
		}
		if err != nil {
			return records{}, fmt.Errorf("the answer is no DNS message: %w", err)
		}
		switch body := resource.Body.(type) {
		case *dnsmessage.AResource:
			found.addresses = append(found.addresses, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			found.addresses = append(found.addresses, netip.AddrFrom16(body.AAAA))
		case *dnsmessage.CNAMEResource:
			if aliases++; aliases <= maxAliases {
				found.canonical = peers.CanonicalName(body.CNAME.String())
			}
		case *dnsmessage.PTRResource:
			found.names = append(found.names, peers.CanonicalName(body.PTR.String()))
		}
	}
}
