package resolve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// asks builds a query as a program would.
type asks struct {
	name  string
	kind  dnsmessage.Type
	class dnsmessage.Class
	id    uint16
	noRD  bool
	// edns is the size it offers; 0 leaves the record out.
	edns uint16
	do   bool
}

func (a asks) pack(t testing.TB) []byte {
	t.Helper()
	if a.class == 0 {
		a.class = dnsmessage.ClassINET
	}
	if a.id == 0 {
		a.id = 4711
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: a.id, RecursionDesired: !a.noRD},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(a.name), Type: a.kind, Class: a.class}},
	}
	if a.edns > 0 {
		var header dnsmessage.ResourceHeader
		if err := header.SetEDNS0(int(a.edns), dnsmessage.RCodeSuccess, a.do); err != nil {
			t.Fatal(err)
		}
		m.Additionals = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.OPTResource{}}}
	}
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func unpack(t testing.TB, answer []byte) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil {
		t.Fatalf("%v: %x", err, answer)
	}
	return m
}

// text returns the answers of a message in short.
func text(m dnsmessage.Message) string {
	lines := []string{strings.TrimPrefix(m.RCode.String(), "RCode")}
	for _, r := range m.Answers {
		name := r.Header.Name.String()
		switch body := r.Body.(type) {
		case *dnsmessage.AResource:
			lines = append(lines, name+" "+addrOf(body.A[:]))
		case *dnsmessage.AAAAResource:
			lines = append(lines, name+" "+addrOf(body.AAAA[:]))
		case *dnsmessage.CNAMEResource:
			lines = append(lines, name+" = "+body.CNAME.String())
		case *dnsmessage.PTRResource:
			lines = append(lines, name+" is "+body.PTR.String())
		case *dnsmessage.TXTResource:
			lines = append(lines, name+" says "+strings.Join(body.TXT, "|"))
		case *dnsmessage.UnknownResource:
			lines = append(lines, name+" "+body.Type.String())
		default:
			lines = append(lines, name+" "+r.Header.Type.String())
		}
	}
	return strings.Join(lines, "; ")
}

func addrOf(raw []byte) string {
	addr, _ := netip.AddrFromSlice(raw)
	return addr.String()
}

func TestAnswer(t *testing.T) {
	const magic = "x.ts.net."
	for _, tt := range []struct {
		name   string
		change func(f *fake)
		asks   asks
		want   string
		asked  []string
	}{
		{name: "a node", asks: asks{name: "web." + magic, kind: dnsmessage.TypeA}, want: "Success; web.x.ts.net. 100.64.0.1"},
		{name: "a node's IPv6", asks: asks{name: "Web.X.ts.net.", kind: dnsmessage.TypeAAAA}, want: "Success; Web.X.ts.net. fd7a:115c:a1e0::1"},
		{name: "a node without IPv6", asks: asks{name: "shared.other.ts.net.", kind: dnsmessage.TypeAAAA}, want: "Success"},
		{
			name: "all of an extra record", asks: asks{name: "extra.example.net.", kind: dnsmessage.TypeA},
			want: "Success; extra.example.net. 192.0.2.71; extra.example.net. 192.0.2.72",
		},
		{name: "a node by its label", asks: asks{name: "Web.", kind: dnsmessage.TypeA}, want: "Success; Web. = web.x.ts.net.; web.x.ts.net. 100.64.0.1"},
		{
			name: "a node's other records", asks: asks{name: "web." + magic, kind: dnsmessage.TypeTXT}, want: "Success",
			asked: []string{"tailnet web.x.ts.net TXT"},
		},
		{name: "a node, any type", asks: asks{name: "web." + magic, kind: dnsmessage.TypeALL}, want: "Success; web.x.ts.net. TypeHINFO"},
		{
			name: "nobody, any type", asks: asks{name: "nobody." + magic, kind: dnsmessage.TypeALL}, want: "NameError",
			asked: []string{"tailnet nobody.x.ts.net A"},
		},
		{name: "a node's address", asks: asks{name: "1.0.64.100.in-addr.arpa.", kind: dnsmessage.TypePTR}, want: "Success; 1.0.64.100.in-addr.arpa. is web.x.ts.net."},
		{name: "loopback", asks: asks{name: "1.0.0.127.in-addr.arpa.", kind: dnsmessage.TypePTR}, want: "Success; 1.0.0.127.in-addr.arpa. is localhost."},
		{name: "localhost", asks: asks{name: "LocalHost.", kind: dnsmessage.TypeA}, want: "Success; LocalHost. 127.0.0.1"},
		{name: "localhost has no more", asks: asks{name: "localhost.", kind: dnsmessage.TypeMX}, want: "Success"},
		{
			name:   "a split zone",
			change: func(f *fake) { f.tailnet.add("git.corp.example", &dnsmessage.TXTResource{TXT: []string{"a", "b"}}) },
			asks:   asks{name: "GIT.corp.example.", kind: dnsmessage.TypeTXT}, want: "Success; GIT.corp.example. says a|b",
			asked: []string{"tailnet git.corp.example TXT"},
		},
		{
			name: "a label of a split zone", change: func(f *fake) { f.tailnet.add("git.corp.example", a("192.0.2.9")) },
			asks: asks{name: "git.", kind: dnsmessage.TypeA}, want: "Success; git. = git.corp.example.; git.corp.example. 192.0.2.9",
			asked: []string{"tailnet git.corp.example A", "tailnet git.x.ts.net A"},
		},
		{
			name: "outside", change: func(f *fake) { f.host.add("example.org", a("198.51.100.7")) },
			asks: asks{name: "eXample.org.", kind: dnsmessage.TypeA}, want: "Success; eXample.org. 198.51.100.7",
			asked: []string{"host example.org A"},
		},
		{
			name: "a label outside", asks: asks{name: "com.", kind: dnsmessage.TypeNS}, want: "NameError",
			asked: []string{"host com NS", "tailnet com.corp.example NS", "tailnet com.x.ts.net NS"},
		},
		{name: "the root", asks: asks{name: ".", kind: dnsmessage.TypeNS}, want: "NameError", asked: []string{"host  NS"}},
		{
			name: "a type that nobody knows", asks: asks{name: "example.org.", kind: 9824}, want: "NameError", asked: []string{"host example.org 9824"},
		},
		{
			name: "the type HTTPS of the tailnet", asks: asks{name: "git.corp.example.", kind: 65}, want: "NameError",
			asked: []string{"tailnet git.corp.example HTTPS"},
		},
		{name: "a zone transfer", asks: asks{name: "corp.example.", kind: dnsmessage.TypeAXFR}, want: "Refused"},
		{name: "another class", asks: asks{name: "version.bind.", kind: dnsmessage.TypeTXT, class: dnsmessage.ClassCHAOS}, want: "Refused"},
		{name: "a signature for a name", asks: asks{name: "a.example.", kind: 250}, want: "NotImplemented"},
		{
			name: "no resolver of the host", change: func(f *fake) { f.host.edit = func(string, []byte) []byte { return nil } },
			asks: asks{name: "example.org.", kind: dnsmessage.TypeA}, want: "ServerFailure", asked: []string{"host example.org A"},
		},
		{
			name: "a label that the tailnet's resolver fails on", change: func(f *fake) { f.tailnet.others = dnsmessage.RCodeServerFailure },
			asks: asks{name: "git.", kind: dnsmessage.TypeA}, want: "ServerFailure", asked: []string{"tailnet git.x.ts.net A"},
		},
		{
			name: "a label when the tailnet does not answer", change: func(f *fake) { f.fails = errors.New("gone") },
			asks: asks{name: "git.", kind: dnsmessage.TypeA}, want: "ServerFailure",
			asked: []string{"tailnet git.corp.example A", "tailnet git.x.ts.net A"},
		},
		{
			name: "no resolver of the tailnet", change: func(f *fake) { f.fails = errors.New("gone") },
			asks: asks{name: "a.corp.example.", kind: dnsmessage.TypeA}, want: "ServerFailure", asked: []string{"tailnet a.corp.example A"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if tt.change != nil {
				tt.change(f)
			}
			d := &DNS{Resolver: f.resolver(t, "")}
			query := tt.asks.pack(t)
			answer := d.Answer(t.Context(), slices.Clone(query), MaxMessage)
			m := unpack(t, answer)
			if got := text(m); got != tt.want {
				t.Errorf("got %s", got)
			}
			if m.ID != 4711 || !m.Response || !m.RecursionDesired || !m.RecursionAvailable || m.Truncated {
				t.Errorf("the header is %+v", m.Header)
			}
			if !bytes.Equal(answer[headerSize:len(query)], query[headerSize:]) {
				t.Errorf("the question %x came back as %x", query[headerSize:], answer[headerSize:len(query)])
			}
			if asked := f.asked(); !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func TestWhatIsNoQueryIsRefusedByItsCode(t *testing.T) {
	good := asks{name: "web.x.ts.net.", kind: dnsmessage.TypeA}.pack(t)
	edit := func(at int, value byte) []byte {
		bad := slices.Clone(good)
		bad[at] = value
		return bad
	}
	withEDNS := asks{name: "web.x.ts.net.", kind: dnsmessage.TypeA, edns: 1232}.pack(t)
	twice := append(slices.Clone(withEDNS), withEDNS[len(good):]...)
	setCount(twice, 3, 2)
	later := slices.Clone(withEDNS)
	later[len(good)+6] = 1
	for _, tt := range []struct {
		name  string
		query []byte
		want  dnsmessage.RCode
	}{
		{"only an id", good[:2], dnsmessage.RCodeFormatError},
		{"half a header", good[:7], dnsmessage.RCodeFormatError},
		{"an answer", edit(2, 0x81), dnsmessage.RCodeFormatError},
		{"the opcode STATUS", edit(2, 2<<3), dnsmessage.RCodeNotImplemented},
		{"the opcode UPDATE", edit(2, 5<<3), dnsmessage.RCodeNotImplemented},
		{"no question", edit(5, 0), dnsmessage.RCodeFormatError},
		{"two questions", edit(5, 2), dnsmessage.RCodeFormatError},
		{"a name that is not all there", good[:headerSize+6], dnsmessage.RCodeFormatError},
		{"a compressed name", edit(headerSize, 0xc0), dnsmessage.RCodeFormatError},
		{"fewer records than it says", edit(11, 1), dnsmessage.RCodeFormatError},
		{"two OPT records", twice, dnsmessage.RCodeFormatError},
		{"a later EDNS", later, rcodeBadVersion & maskRCode},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			d := &DNS{Resolver: f.resolver(t, "")}
			answer := d.Answer(t.Context(), tt.query, MaxMessage)
			if len(answer) < headerSize || rcodeOf(answer) != tt.want || flagsOf(answer)&flagResponse == 0 || !bytes.Equal(answer[:2], good[:2]) {
				t.Errorf("the answer is %x", answer)
			}
			if asked := f.asked(); len(asked) > 0 {
				t.Errorf("asked %q", asked)
			}
		})
	}
	for _, query := range [][]byte{nil, {1}} {
		if answer := (&DNS{}).Answer(t.Context(), query, MaxMessage); answer != nil {
			t.Errorf("%x got the answer %x", query, answer)
		}
	}
}

func TestANodeThatIsNotThereIsAFailure(t *testing.T) {
	f := newFake(t)
	f.broken = errors.New("no netmap")
	d := &DNS{Resolver: f.resolver(t, "")}
	if m := unpack(t, d.Answer(t.Context(), asks{name: "example.org.", kind: dnsmessage.TypeA}.pack(t), MaxMessage)); m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("got %s", text(m))
	}
	if asked := f.asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
}

func TestEDNS(t *testing.T) {
	f := newFake(t)
	d := &DNS{Resolver: f.resolver(t, "")}
	for _, name := range []string{"web.x.ts.net.", "git.corp.example.", "example.org.", "localhost."} {
		m := unpack(t, d.Answer(t.Context(), asks{name: name, kind: dnsmessage.TypeA, edns: 4096, do: true}.pack(t), MaxMessage))
		if len(m.Additionals) != 1 || m.Additionals[0].Header.Type != dnsmessage.TypeOPT || !m.Additionals[0].Header.DNSSECAllowed() {
			t.Errorf("%s: an answer with %+v", name, m.Additionals)
		}
		m = unpack(t, d.Answer(t.Context(), asks{name: name, kind: dnsmessage.TypeA}.pack(t), MaxMessage))
		if len(m.Additionals) != 0 {
			t.Errorf("%s without EDNS: an answer with %+v", name, m.Additionals)
		}
	}
	// Both resolvers were asked for signatures, and only when the program wants them.
	for _, z := range []*zone{&f.tailnet, &f.host.zone} {
		if len(z.messages()) != 2 {
			t.Fatalf("%s was asked %d times", z.who, len(z.messages()))
		}
		with, _ := parseQuery(z.messages()[0])
		without, _ := parseQuery(z.messages()[1])
		if with.edns == nil || !with.edns.dnssecOK || without.edns != nil {
			t.Errorf("%s was asked %x and %x", z.who, z.messages()[0], z.messages()[1])
		}
		if bytes.Equal(z.messages()[0][:2], z.messages()[1][:2]) && binary.BigEndian.Uint16(z.messages()[0]) == 4711 {
			t.Errorf("%s was sent the program's id", z.who)
		}
	}
}

func TestTheOptionsOfAProgramStayBetweenItAndTheHost(t *testing.T) {
	f := newFake(t)
	d := &DNS{Resolver: f.resolver(t, "")}
	cookie := []byte{0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}
	for _, name := range []string{"git.corp.example.", "example.org."} {
		query := asks{name: name, kind: dnsmessage.TypeA, edns: 1232}.pack(t)
		binary.BigEndian.PutUint16(query[len(query)-2:], uint16(len(cookie)))
		d.Answer(t.Context(), append(query, cookie...), MaxMessage)
	}
	if bytes.Contains(f.tailnet.messages()[0], cookie) || !bytes.Contains(f.host.messages()[0], cookie) {
		t.Errorf("the tailnet was asked %x, the host's resolver %x", f.tailnet.messages()[0], f.host.messages()[0])
	}
}

func TestALongAnswerIsCutAtARecord(t *testing.T) {
	f := newFake(t)
	for range 40 {
		f.host.add("long.example.org", &dnsmessage.TXTResource{TXT: []string{strings.Repeat("x", 50)}})
	}
	d := &DNS{Resolver: f.resolver(t, "")}
	for _, tt := range []struct {
		edns uint16
		most int
	}{{0, 512}, {100, 512}, {900, 900}, {1232, 1232}, {65_535, 1232}} {
		query := asks{name: "long.example.org.", kind: dnsmessage.TypeTXT, edns: tt.edns}.pack(t)
		limit := UDPLimit(query)
		if limit != tt.most {
			t.Errorf("EDNS %d: the limit is %d", tt.edns, limit)
		}
		answer := d.Answer(t.Context(), query, limit)
		m := unpack(t, answer)
		if len(answer) > tt.most || !m.Truncated || len(m.Answers) == 0 || len(m.Answers) == 40 {
			t.Errorf("EDNS %d: %d bytes, %d answers, truncated %v", tt.edns, len(answer), len(m.Answers), m.Truncated)
		}
		if hasOPT := len(m.Additionals) == 1; hasOPT != (tt.edns > 0) {
			t.Errorf("EDNS %d: the answer has %d additional records", tt.edns, len(m.Additionals))
		}
		if whole := unpack(t, d.Answer(t.Context(), query, MaxMessage)); whole.Truncated || len(whole.Answers) != 40 {
			t.Errorf("EDNS %d: %d answers over TCP", tt.edns, len(whole.Answers))
		}
	}
	for limit := range 600 {
		if answer := d.Answer(t.Context(), asks{name: "long.example.org.", kind: dnsmessage.TypeTXT}.pack(t), limit); len(answer) > limit {
			t.Fatalf("%d bytes are more than %d", len(answer), limit)
		} else if answer != nil {
			unpack(t, answer)
		}
	}
}

func TestADotInALabelIsNoneBetweenLabels(t *testing.T) {
	f := newFake(t)
	d := &DNS{Resolver: f.resolver(t, "")}
	query := mustQuery(t, "webx.x.ts.net", dnsmessage.TypeA)
	query[headerSize+4] = '.' // "web." as one label
	for _, flags := range []byte{0, 1} {
		query[2] = flags
		answer := d.Answer(t.Context(), slices.Clone(query), MaxMessage)
		if rcodeOf(answer) == dnsmessage.RCodeSuccess {
			t.Errorf("the answer is %x", answer)
		}
	}
	if asked := f.host.questions(); len(asked) > 0 {
		t.Errorf("the host's resolver was asked %q", asked)
	}
}
