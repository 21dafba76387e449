package resolve

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	typeIXFR  = dnsmessage.Type(251)
	typeMAILB = dnsmessage.Type(253)
	typeMAILA = dnsmessage.Type(254)
	typeTSIG  = dnsmessage.Type(250)

	// rcodeBadVersion needs the OPT record: RFC 6891 section 9.
	rcodeBadVersion = dnsmessage.RCode(16)
)

// Sizes of answers over UDP, in bytes.
const (
	// plainUDPSize is what every resolver takes: RFC 1035 section 4.2.1.
	plainUDPSize = 512
	// maxUDPSize fits into one packet everywhere, also in the tailnet's MTU of 1280.
	maxUDPSize = 1232
)

// query is a DNS query as it came.
type query struct {
	raw   []byte
	flags uint16
	// question is its whole section, as it was spelt.
	question []byte
	name     string
	kind     dnsmessage.Type
	class    dnsmessage.Class
	edns     *edns
}

// edns is what a query says in its OPT record: RFC 6891.
type edns struct {
	size     uint16
	version  byte
	dnssecOK bool
}

// parseQuery reads a query. With another code than success there is an answer already: that code. It is nil when
// there is not even an id to answer to.
func parseQuery(raw []byte) (*query, dnsmessage.RCode) {
	if len(raw) < 2 {
		return nil, dnsmessage.RCodeFormatError
	}
	q := &query{raw: raw}
	if len(raw) < headerSize || len(raw) > MaxMessage {
		return q, dnsmessage.RCodeFormatError
	}
	q.flags = flagsOf(raw)
	switch {
	case q.flags&flagResponse != 0:
		return q, dnsmessage.RCodeFormatError
	case q.flags&maskOpcode != 0:
		return q, dnsmessage.RCodeNotImplemented
	case count(raw, 0) != 1:
		return q, dnsmessage.RCodeFormatError
	}
	name, end, err := readName(raw, headerSize)
	if err != nil || end+4 > len(raw) {
		return q, dnsmessage.RCodeFormatError
	}
	q.name = name
	q.kind = dnsmessage.Type(binary.BigEndian.Uint16(raw[end:]))
	q.class = dnsmessage.Class(binary.BigEndian.Uint16(raw[end+2:]))
	q.question = raw[headerSize : end+4]
	_, spans, err := spansOf(raw)
	if err != nil {
		return q, dnsmessage.RCodeFormatError
	}
	for _, s := range spans {
		if s.kind != dnsmessage.TypeOPT {
			continue
		}
		// RFC 6891 section 6.1.1: one, and of the root.
		if q.edns != nil || raw[s.start] != 0 || s.section != 3 {
			return q, dnsmessage.RCodeFormatError
		}
		q.edns = &edns{
			size:     binary.BigEndian.Uint16(raw[s.ttlAt-2:]),
			version:  raw[s.ttlAt+1],
			dnssecOK: raw[s.ttlAt+2]&0x80 != 0,
		}
	}
	if q.edns != nil && q.edns.version != 0 {
		return q, rcodeBadVersion
	}
	return q, q.check()
}

// check refuses what nobody is asked for.
func (q *query) check() dnsmessage.RCode {
	switch q.kind {
	case 0, dnsmessage.TypeOPT:
		return dnsmessage.RCodeFormatError
	case dnsmessage.TypeAXFR, typeIXFR:
		return dnsmessage.RCodeRefused
	case typeMAILB, typeMAILA, typeTSIG:
		return dnsmessage.RCodeNotImplemented
	}
	if q.class != dnsmessage.ClassINET {
		return dnsmessage.RCodeRefused
	}
	return dnsmessage.RCodeSuccess
}

// UDPLimit returns how long an answer to query may be over UDP, in bytes.
func UDPLimit(query []byte) int {
	q, _ := parseQuery(query)
	if q == nil || q.edns == nil {
		return plainUDPSize
	}
	return min(max(int(q.edns.size), plainUDPSize), maxUDPSize)
}

// newQuery returns a message that asks for name, with the flags and the DNSSEC bit of like, which may be nil.
func newQuery(name string, kind dnsmessage.Type, like *query) ([]byte, error) {
	wire, err := wireName(name)
	if err != nil {
		return nil, err
	}
	return build(wire, kind, like), nil
}

// plain returns q as all ask it who ask the same: in lower case and without options, which are between two hosts
// (cookies, padding).
func (q *query) plain(kind dnsmessage.Type) []byte {
	wire := bytes.Clone(q.question[:len(q.question)-4])
	for i, c := range wire {
		// Lengths are less than any letter.
		if 'A' <= c && c <= 'Z' {
			wire[i] = c + 'a' - 'A'
		}
	}
	return build(wire, kind, q)
}

func build(wire []byte, kind dnsmessage.Type, like *query) []byte {
	flags := uint16(flagRecursionDesired)
	if like != nil {
		flags = like.flags & (flagRecursionDesired | flagAuthenticData | flagCheckingDisabled)
	}
	msg := make([]byte, headerSize, headerSize+len(wire)+4+optSize)
	binary.BigEndian.PutUint16(msg[2:], flags)
	setCount(msg, 0, 1)
	msg = append(msg, wire...)
	msg = binary.BigEndian.AppendUint16(msg, uint16(kind))
	msg = binary.BigEndian.AppendUint16(msg, uint16(dnsmessage.ClassINET))
	if like != nil && like.edns != nil {
		msg = appendOPT(msg, like.edns.dnssecOK, 0)
	}
	return msg
}

// withID returns a copy of a message with an id that nobody can guess: an answer from elsewhere must not fit.
func withID(msg []byte) []byte {
	fresh := bytes.Clone(msg)
	_, _ = rand.Read(fresh[:2]) // never fails
	return fresh
}

// fits reports whether answer answers the query msg. Some servers leave the question out of an error.
func fits(msg, answer []byte) bool {
	if len(answer) < headerSize || [2]byte(answer) != [2]byte(msg) || flagsOf(answer)&flagResponse == 0 {
		return false
	}
	if count(answer, 0) == 0 {
		return rcodeOf(answer) != dnsmessage.RCodeSuccess
	}
	name, end, err := readName(msg, headerSize)
	if err != nil {
		return false
	}
	answered, answeredEnd, err := readName(answer, headerSize)
	return err == nil && count(answer, 0) == 1 && name == answered && len(answer) >= answeredEnd+4 &&
		bytes.Equal(msg[end:end+4], answer[answeredEnd:answeredEnd+4])
}
