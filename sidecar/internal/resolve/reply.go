package resolve

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// optSize is the size of an OPT record without options.
const optSize = 11

// appendOPT appends an OPT record: RFC 6891 section 6.1.2. The message's count follows it.
func appendOPT(msg []byte, dnssecOK bool, extendedRCode byte) []byte {
	setCount(msg, 3, count(msg, 3)+1)
	var do byte
	if dnssecOK {
		do = 0x80
	}
	return append(msg, 0, 0, byte(dnsmessage.TypeOPT), maxUDPSize>>8, maxUDPSize&0xff, extendedRCode, 0, do, 0, 0, 0)
}

// ownTTL is for how long, in seconds, others may keep what the netmap says. It changes when nodes come and go.
const ownTTL = 60

// record is a record of a reply of ours, of the name that was asked for.
type record struct {
	kind dnsmessage.Type
	data []byte
}

// reply returns an answer of our own.
func (q *query) reply(rcode dnsmessage.RCode, records ...record) []byte {
	msg := make([]byte, headerSize, headerSize+len(q.question)+optSize+32*len(records))
	copy(msg, q.raw[:2])
	flags := flagResponse | q.flags&(maskOpcode|flagRecursionDesired|flagCheckingDisabled) | flagRecursionAvailable |
		uint16(rcode)&maskRCode
	binary.BigEndian.PutUint16(msg[2:], flags)
	if len(q.question) > 0 {
		setCount(msg, 0, 1)
		msg = append(msg, q.question...)
	}
	setCount(msg, 1, len(records))
	for _, r := range records {
		// The name is a pointer to the question's: RFC 1035 section 4.1.4.
		msg = append(msg, 0xc0, headerSize)
		msg = binary.BigEndian.AppendUint16(msg, uint16(r.kind))
		msg = binary.BigEndian.AppendUint16(msg, uint16(dnsmessage.ClassINET))
		msg = binary.BigEndian.AppendUint32(msg, ownTTL)
		msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.data)))
		msg = append(msg, r.data...)
	}
	if q.edns != nil {
		msg = appendOPT(msg, q.edns.dnssecOK, byte(rcode>>4))
	}
	return msg
}

// addresses answers with those addresses that are of the asked type; none is an answer too.
func (q *query) addresses(addrs []netip.Addr) []byte {
	var records []record
	for _, addr := range pick(addrs, q.kind == dnsmessage.TypeA, q.kind == dnsmessage.TypeAAAA) {
		records = append(records, record{q.kind, addr.AsSlice()})
	}
	return q.reply(dnsmessage.RCodeSuccess, records...)
}

// names answers a PTR query.
func (q *query) names(names []string) []byte {
	var records []record
	for _, name := range names {
		if wire, err := wireName(name); err == nil {
			records = append(records, record{dnsmessage.TypePTR, wire})
		}
	}
	return q.reply(dnsmessage.RCodeSuccess, records...)
}

// anything answers a query for all types: RFC 8482 section 4.2.
func (q *query) anything() []byte {
	return q.reply(dnsmessage.RCodeSuccess, record{dnsmessage.TypeHINFO, []byte("\x07RFC8482\x00")})
}

// relay makes somebody's answer one to q: id, spelling, flags and EDNS are q's.
func (q *query) relay(answer []byte) []byte {
	questionsEnd, spans, err := spansOf(answer)
	switch {
	case err != nil:
		return q.reply(dnsmessage.RCodeServerFailure)
	case count(answer, 0) == 0:
		return q.reply(rcodeOf(answer))
	case questionsEnd != headerSize+len(q.question):
		// It would be another question's, and everything in it elsewhere.
		return q.reply(dnsmessage.RCodeServerFailure)
	}
	msg := bytes.Clone(answer)
	copy(msg, q.raw[:2])
	flags := flagsOf(msg)&^flagRecursionDesired | q.flags&flagRecursionDesired | flagRecursionAvailable
	binary.BigEndian.PutUint16(msg[2:], flags)
	copy(msg[headerSize:], q.question)
	end := questionsEnd
	if len(spans) > 0 {
		end = spans[len(spans)-1].end
	}
	msg = msg[:end]
	for i, s := range spans {
		if s.kind != dnsmessage.TypeOPT {
			continue
		}
		// Nothing points to an OPT record, but cutting one from the middle would move what others point to.
		if q.edns == nil && i == len(spans)-1 {
			setCount(msg, 3, count(msg, 3)-1)
			msg = msg[:s.start]
		}
		return msg
	}
	if q.edns != nil {
		msg = appendOPT(msg, q.edns.dnssecOK, 0)
	}
	return msg
}

// fit cuts an answer that is longer than limit at a record's end, and says so in it. The OPT record stays: RFC 6891
// section 7. Nil when not even the header fits.
func fit(msg []byte, limit int) []byte {
	if len(msg) <= limit {
		return msg
	}
	questionsEnd, spans, err := spansOf(msg)
	if err != nil || limit < headerSize {
		return nil
	}
	var opt []byte
	for _, s := range spans {
		if s.kind == dnsmessage.TypeOPT && questionsEnd+s.end-s.start <= limit {
			opt = msg[s.start:s.end]
		}
	}
	short := bytes.Clone(msg[:headerSize])
	binary.BigEndian.PutUint16(short[2:], flagsOf(msg)|flagTruncated)
	for section := range 4 {
		setCount(short, section, 0)
	}
	if questionsEnd > limit {
		return short
	}
	setCount(short, 0, count(msg, 0))
	short = append(short, msg[headerSize:questionsEnd]...)
	for _, s := range spans {
		if s.kind == dnsmessage.TypeOPT || s.end+len(opt) > limit {
			break
		}
		setCount(short, s.section, count(short, s.section)+1)
		short = append(short, msg[s.start:s.end]...)
	}
	if opt != nil {
		setCount(short, 3, count(short, 3)+1)
		short = append(short, opt...)
	}
	return short
}
