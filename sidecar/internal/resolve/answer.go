package resolve

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// records is what a DNS answer says.
type records struct {
	exists    bool
	canonical string
	addresses []netip.Addr
	names     []string
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
	case dnsmessage.RCodeSuccess, dnsmessage.RCodeNameError:
	case dnsmessage.RCodeRefused, dnsmessage.RCodeNotImplemented:
		// Tailscale's answers for names and types that it has no resolver for.
		return records{}, nil
	default:
		return records{}, message.Errorf(message.TimedOut, "the resolver failed (%v)", header.RCode)
	}
	if err := parser.SkipAllQuestions(); err != nil {
		return records{}, fmt.Errorf("the answer is no DNS message: %w", err)
	}
	found := records{exists: header.RCode == dnsmessage.RCodeSuccess}
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

// restore makes the answer for a complete name one for the single label q that stands for it, with a record that says
// so: RFC 1034 section 3.6.2.
func (q *query) restore(answer []byte) []byte {
	var m dnsmessage.Message
	label, err := dnsmessage.NewName(string(q.question[1:1+q.question[0]]) + ".")
	if err != nil || m.Unpack(answer) != nil || len(m.Questions) != 1 {
		return q.reply(dnsmessage.RCodeServerFailure)
	}
	alias := dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: label, Class: dnsmessage.ClassINET, TTL: ownTTL},
		Body:   &dnsmessage.CNAMEResource{CNAME: m.Questions[0].Name},
	}
	m.Questions[0].Name = label
	m.Answers = append([]dnsmessage.Resource{alias}, m.Answers...)
	restored, err := m.Pack()
	if err != nil {
		return q.reply(dnsmessage.RCodeServerFailure)
	}
	return q.relay(restored)
}
