package resolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// The layout of a DNS message: RFC 1035 section 4.1.
const (
	headerSize  = 12
	maxWireName = 255

	flagResponse           = 1 << 15
	flagAuthoritative      = 1 << 10
	flagTruncated          = 1 << 9
	flagRecursionDesired   = 1 << 8
	flagRecursionAvailable = 1 << 7
	flagAuthenticData      = 1 << 5
	flagCheckingDisabled   = 1 << 4
	maskOpcode             = 15 << 11
	maskRCode              = 15
)

// MaxMessage is the longest DNS message there is, in bytes: what the two bytes of RFC 1035 section 4.2.2 hold.
const MaxMessage = 65_535

var errMalformed = errors.New("the DNS message is malformed")

func flagsOf(msg []byte) uint16 { return binary.BigEndian.Uint16(msg[2:]) }

// count returns how many entries a section says it has; section 0 has the questions.
func count(msg []byte, section int) int { return int(binary.BigEndian.Uint16(msg[4+2*section:])) }

func setCount(msg []byte, section, n int) { binary.BigEndian.PutUint16(msg[4+2*section:], uint16(n)) }

func rcodeOf(msg []byte) dnsmessage.RCode { return dnsmessage.RCode(flagsOf(msg) & maskRCode) }

// readName reads a name that is not compressed. It comes in lower case and without a trailing dot; a byte that no
// host name has is escaped as in zone files (RFC 1035 section 5.1), so that a dot in a label is not taken for one
// between labels.
func readName(msg []byte, at int) (name string, end int, err error) {
	var text strings.Builder
	for start := at; ; {
		if at >= len(msg) || at-start >= maxWireName {
			return "", 0, errMalformed
		}
		length := int(msg[at])
		at++
		if length == 0 {
			return text.String(), at, nil
		}
		if length > 63 || at+length > len(msg) {
			return "", 0, errMalformed
		}
		if text.Len() > 0 {
			text.WriteByte('.')
		}
		for _, c := range msg[at : at+length] {
			switch {
			case 'A' <= c && c <= 'Z':
				text.WriteByte(c + 'a' - 'A')
			case c == '.' || c == '\\':
				text.Write([]byte{'\\', c})
			case c <= ' ' || c >= 0x7f:
				fmt.Fprintf(&text, `\%03d`, c)
			default:
				text.WriteByte(c)
			}
		}
		at += length
	}
}

// wireName returns a name as messages have it.
func wireName(name string) ([]byte, error) {
	if !valid(name) {
		return nil, errMalformed
	}
	wire := make([]byte, 0, len(name)+2)
	for label := range strings.SplitSeq(name, ".") {
		wire = append(wire, byte(len(label)))
		wire = append(wire, label...)
	}
	return append(wire, 0), nil
}

// skipName returns where a name ends, which may be compressed.
func skipName(msg []byte, at int) (int, error) {
	for at < len(msg) {
		length := int(msg[at])
		switch {
		case length == 0:
			return at + 1, nil
		case length >= 0xc0:
			if at+2 > len(msg) {
				return 0, errMalformed
			}
			return at + 2, nil
		case length > 63:
			return 0, errMalformed
		}
		at += 1 + length
	}
	return 0, errMalformed
}

// span is where a record is in a message. Section 1 has the answers, 2 the authorities, 3 the rest.
type span struct {
	section    int
	start, end int
	kind       dnsmessage.Type
	ttlAt      int
	dataAt     int
}

// spansOf finds the records of a message, and where its questions end.
func spansOf(msg []byte) (questionsEnd int, spans []span, err error) {
	if len(msg) < headerSize {
		return 0, nil, errMalformed
	}
	at := headerSize
	for range count(msg, 0) {
		if at, err = skipName(msg, at); err != nil {
			return 0, nil, err
		}
		if at += 4; at > len(msg) {
			return 0, nil, errMalformed
		}
	}
	questionsEnd = at
	for section := 1; section <= 3; section++ {
		for range count(msg, section) {
			s := span{section: section, start: at}
			if at, err = skipName(msg, at); err != nil {
				return 0, nil, err
			}
			if at+10 > len(msg) {
				return 0, nil, errMalformed
			}
			s.kind = dnsmessage.Type(binary.BigEndian.Uint16(msg[at:]))
			s.ttlAt = at + 4
			s.dataAt = at + 10
			at = s.dataAt + int(binary.BigEndian.Uint16(msg[at+8:]))
			if at > len(msg) {
				return 0, nil, errMalformed
			}
			s.end = at
			spans = append(spans, s)
		}
	}
	return questionsEnd, spans, nil
}
