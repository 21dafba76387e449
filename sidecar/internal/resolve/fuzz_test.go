package resolve

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func mustQuery(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	query, err := newQuery(name, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	return query
}

func FuzzParseAnswer(f *testing.F) {
	z := zone{records: map[string][]dnsmessage.Resource{}, others: dnsmessage.RCodeNameError}
	z.add("a.b", a("192.0.2.1"))
	f.Add(z.answer(mustQuery(f, "a.b", dnsmessage.TypeA)))
	f.Add(z.answer(mustQuery(f, "b.b", dnsmessage.TypeA)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, message []byte) {
		found, err := parseAnswer(message)
		if err != nil && (found.exists || len(found.addresses) > 0) {
			t.Errorf("an error came with %+v", found)
		}
	})
}

func FuzzParseHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost # me\n\n::1 a b\n")
	f.Fuzz(func(t *testing.T, text string) {
		byName, byAddr := parseHosts(strings.NewReader(text))
		for name, addrs := range byName {
			for _, addr := range addrs {
				if !slices.Contains(byAddr[addr], name) {
					t.Errorf("%q has %v but not the other way", name, addr)
				}
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(asks{name: "web.x.ts.net.", kind: dnsmessage.TypeA, edns: 1232, do: true}.pack(f), 512)
	f.Add(asks{name: "web.", kind: dnsmessage.TypeTXT}.pack(f), 40)
	f.Add(asks{name: "long.example.org.", kind: dnsmessage.TypeTXT, edns: 600}.pack(f), 600)
	f.Add([]byte{}, 0)
	fake := newTailnet()
	for range 40 {
		fake.tailnet.add("long.example.org", &dnsmessage.TXTResource{TXT: []string{strings.Repeat("x", 50)}})
	}
	d := &DNS{Resolver: &Resolver{Tailnet: fake}}
	f.Fuzz(func(t *testing.T, query []byte, limit int) {
		limit = max(limit, 0) % (MaxMessage + 1)
		asked := slices.Clone(query)
		answer := d.Answer(t.Context(), query, limit)
		if len(answer) > limit {
			t.Errorf("%d bytes are more than %d", len(answer), limit)
		}
		if !slices.Equal(asked, query) {
			t.Error("the query was changed")
		}
		if answer == nil {
			if limit >= MaxMessage && len(query) >= 2 {
				t.Error("no answer")
			}
			return
		}
		if len(answer) < headerSize || answer[0] != query[0] || answer[1] != query[1] || flagsOf(answer)&flagResponse == 0 {
			t.Errorf("%x was answered by %x", query, answer)
		}
		if _, _, err := spansOf(answer); err != nil {
			t.Errorf("%x was answered by %x: %v", query, answer, err)
		}
		if got := UDPLimit(query); got < plainUDPSize || got > maxUDPSize {
			t.Errorf("the limit over UDP is %d", got)
		}
	})
}

// FuzzRelay takes what a resolver may say.
func FuzzRelay(f *testing.F) {
	z := zone{records: map[string][]dnsmessage.Resource{}, others: dnsmessage.RCodeNameError, minTTL: 30}
	z.add("a.b", a("192.0.2.1"), a("192.0.2.2"))
	for _, name := range []string{"a.b", "b.b"} {
		f.Add(z.answer(mustQuery(f, name, dnsmessage.TypeA)), 60)
	}
	query := asks{name: "a.b.", kind: dnsmessage.TypeA, edns: 1232}.pack(f)
	f.Fuzz(func(t *testing.T, answer []byte, limit int) {
		limit = max(limit, 0) % (MaxMessage + 1)
		q, _ := parseQuery(query)
		lifetimeOf(answer)
		aged(answer, 7)
		if !fits(append([]byte{0, 0}, query[2:]...), append([]byte{0, 0}, answer[min(2, len(answer)):]...)) {
			return
		}
		got := fit(q.relay(answer), limit)
		if len(got) > limit {
			t.Errorf("%d bytes are more than %d", len(got), limit)
		}
		if got != nil {
			if _, _, err := spansOf(got); err != nil {
				t.Errorf("%x became %x: %v", answer, got, err)
			}
		}
	})
}
