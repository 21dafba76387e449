package main

import (
	"context"
	"encoding/binary"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

const (
	// ttl of every record, in seconds.
	ttl = 60
	// text is every name's TXT record.
	text = "tailproxy-loopback"
)

// Query implements dialsocket.Run.
func (s *server) Query(_ context.Context, query []byte) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil
	}
	question, err := parser.Question()
	if err != nil {
		return nil
	}
	kind := strings.TrimPrefix(question.Type.String(), "Type")
	s.events.tell(event{Event: "query", Name: strings.TrimSuffix(question.Name.String(), "."), Type: kind})
	now := s.settings.get()
	code, records := now.records(question)
	answer := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired,
			RecursionAvailable: true, RCode: code,
		},
		Questions: []dnsmessage.Question{question},
	}
	owner := question.Name
	for _, body := range records {
		answer.Answers = append(answer.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: question.Class, TTL: ttl}, Body: body,
		})
		if alias, ok := body.(*dnsmessage.CNAMEResource); ok {
			owner = alias.CNAME
		}
	}
	packed, err := answer.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func (v *values) records(question dnsmessage.Question) (code dnsmessage.RCode, records []dnsmessage.ResourceBody) {
	if question.Type == dnsmessage.TypePTR {
		return v.pointers(question.Name.String())
	}
	found, canonical := v.lookUp(question.Name.String())
	switch {
	case found == nil:
		return dnsmessage.RCodeNameError, nil
	case found.again:
		return dnsmessage.RCodeServerFailure, nil
	}
	if canonical != "" {
		if name, err := dnsmessage.NewName(canonical + "."); err == nil {
			records = append(records, &dnsmessage.CNAMEResource{CNAME: name})
		}
	}
	if question.Type == dnsmessage.TypeTXT {
		return code, append(records, &dnsmessage.TXTResource{TXT: []string{text}})
	}
	for _, addr := range found.addresses {
		switch {
		case addr.Is4() && question.Type == dnsmessage.TypeA:
			records = append(records, &dnsmessage.AResource{A: addr.As4()})
		case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
			records = append(records, &dnsmessage.AAAAResource{AAAA: addr.As16()})
		}
	}
	return code, records
}

func (v *values) pointers(name string) (code dnsmessage.RCode, records []dnsmessage.ResourceBody) {
	for address, names := range v.Reverse {
		addr, err := netip.ParseAddr(address)
		if err != nil || !strings.EqualFold(reverseName(addr), name) {
			continue
		}
		for _, name := range names {
			if pointer, err := dnsmessage.NewName(name + "."); err == nil {
				records = append(records, &dnsmessage.PTRResource{PTR: pointer})
			}
		}
	}
	if len(records) == 0 {
		code = dnsmessage.RCodeNameError
	}
	return code, records
}

// reverseName returns addr as a name to ask for: RFC 1035 section 3.5, RFC 3596 section 2.5.
func reverseName(addr netip.Addr) string {
	var labels []string
	for _, b := range addr.AsSlice() {
		if addr.Is4() {
			labels = append([]string{strconv.Itoa(int(b))}, labels...)
		} else {
			labels = append([]string{strconv.FormatUint(uint64(b&15), 16), strconv.FormatUint(uint64(b>>4), 16)}, labels...)
		}
	}
	if addr.Is4() {
		return strings.Join(labels, ".") + ".in-addr.arpa."
	}
	return strings.Join(labels, ".") + ".ip6.arpa."
}

// serveDNS answers over TCP: RFC 1035 section 4.2.2.
func (s *server) serveDNS(program *splice.Socket) {
	defer program.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(program, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(program, query); err != nil {
			return
		}
		answer := s.Query(s.ctx, query)
		if answer == nil {
			return
		}
		if _, err := program.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}
