package resolve

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// kept is a resolver without sockets, so that time can stand still.
func kept(f *fake) *Resolver { return &Resolver{Tailnet: f} }

func TestAnAnswerIsKeptAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTailnet()
		f.tailnet.add("git.corp.example", a("192.0.2.9"))
		d := &DNS{Resolver: kept(f)}
		ttl := func() uint32 {
			m := unpack(t, d.Answer(t.Context(), mustQuery(t, "git.corp.example", dnsmessage.TypeA), MaxMessage))
			return m.Answers[0].Header.TTL
		}
		if got := ttl(); got != 300 {
			t.Errorf("the TTL is %d", got)
		}
		time.Sleep(100 * time.Second)
		if got := ttl(); got != 200 || len(f.tailnet.questions()) != 1 {
			t.Errorf("the TTL is %d later", got)
		}
		time.Sleep(200 * time.Second)
		if got := ttl(); got != 300 || len(f.tailnet.questions()) != 1 {
			t.Errorf("the TTL is %d when it has run out", got)
		}
	})
}

func TestWhatIsNotThereIsKeptForAShortTime(t *testing.T) {
	for _, tt := range []struct {
		minTTL uint32
		kept   time.Duration
	}{{0, 0}, {10, 10 * time.Second}, {86_400, maxNegativeTTL}} {
		t.Run(fmt.Sprintf("SOA_%d", tt.minTTL), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newTailnet()
				f.tailnet.minTTL = tt.minTTL
				r := kept(f)
				asked := func() int {
					if _, err := r.Addresses(t.Context(), "nobody.corp.example", true, false); err != nil {
						t.Error(err)
					}
					return len(f.tailnet.questions())
				}
				if asked() != 1 {
					t.Error("the tailnet was not asked")
				}
				if tt.kept > 0 {
					time.Sleep(tt.kept - time.Second)
					if asked() != 0 {
						t.Error("the answer was not kept")
					}
					time.Sleep(time.Second)
				}
				if asked() != 1 {
					t.Error("the answer was kept for too long")
				}
			})
		})
	}
}

// rr returns a record of the zone's.
func rr(name string, ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: ttl}, Body: body,
	}
}

func TestAnAnswerIsKeptAsLongAsItsShortestPart(t *testing.T) {
	alias := func(ttl uint32) dnsmessage.Resource {
		return rr("git.example.", ttl, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("host.example.")})
	}
	address := func(ttl uint32) dnsmessage.Resource {
		return rr("host.example.", ttl, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}})
	}
	soa := func(ttl, minimum uint32) dnsmessage.Resource {
		root := dnsmessage.MustNewName(".")
		return rr("example.", ttl, &dnsmessage.SOAResource{NS: root, MBox: root, MinTTL: minimum})
	}
	long := make([]dnsmessage.Resource, 300)
	for i := range long {
		long[i] = address(300)
	}
	for _, tt := range []struct {
		name      string
		rcode     dnsmessage.RCode
		answers   []dnsmessage.Resource
		authority []dnsmessage.Resource
		want      time.Duration
	}{
		{"an address", 0, []dnsmessage.Resource{address(60)}, nil, time.Minute},
		{"an alias and its address", 0, []dnsmessage.Resource{alias(300), address(60)}, nil, time.Minute},
		{"a short alias", 0, []dnsmessage.Resource{alias(20), address(60)}, nil, 20 * time.Second},
		{"the zone's own record beside it", 0, []dnsmessage.Resource{address(60)}, []dnsmessage.Resource{soa(5, 5)}, time.Minute},
		{"for ever", 0, []dnsmessage.Resource{address(1<<31 - 1)}, nil, maxTTL},
		{"a negative time", 0, []dnsmessage.Resource{address(1 << 31)}, nil, 0},
		{"not at all", 0, []dnsmessage.Resource{address(0)}, nil, 0},
		{"no such name", dnsmessage.RCodeNameError, nil, []dnsmessage.Resource{soa(300, 10)}, 10 * time.Second},
		{"no such name, by the record's own time", dnsmessage.RCodeNameError, nil, []dnsmessage.Resource{soa(5, 300)}, 5 * time.Second},
		{"no such name, and nobody says for how long", dnsmessage.RCodeNameError, nil, nil, 0},
		{"no such type", 0, nil, []dnsmessage.Resource{soa(20, 20)}, 20 * time.Second},
		{"no such type, and nobody says for how long", 0, nil, nil, 0},
		{"an alias of a name that is not there", dnsmessage.RCodeNameError, []dnsmessage.Resource{alias(300)}, []dnsmessage.Resource{soa(10, 10)}, 10 * time.Second},
		{"a short alias of such a name", dnsmessage.RCodeNameError, []dnsmessage.Resource{alias(3)}, []dnsmessage.Resource{soa(10, 10)}, 3 * time.Second},
		{"an alias of a name without the type", 0, []dnsmessage.Resource{alias(300)}, []dnsmessage.Resource{soa(10, 10)}, 10 * time.Second},
		{"an alias that leads elsewhere", 0, []dnsmessage.Resource{alias(300)}, nil, 5 * time.Minute},
		{"an alias of a name that is not there, and nobody says for how long", dnsmessage.RCodeNameError, []dnsmessage.Resource{alias(300)}, nil, 0},
		{"what is long", 0, long, nil, 0},
		{"a failure", dnsmessage.RCodeServerFailure, []dnsmessage.Resource{address(60)}, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := dnsmessage.Message{
				Header: dnsmessage.Header{Response: true, RCode: tt.rcode},
				Questions: []dnsmessage.Question{{
					Name: dnsmessage.MustNewName("git.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET,
				}},
				Answers: tt.answers, Authorities: tt.authority,
			}
			packed, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if got := max(0, lifetimeOf(packed)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	f := newTailnet()
	f.tailnet.others = dnsmessage.RCodeServerFailure
	r := kept(f)
	for range 3 {
		if _, err := r.Addresses(t.Context(), "git.corp.example", true, false); err == nil {
			t.Error("no error")
		}
	}
	if got := len(f.tailnet.questions()); got != 3 {
		t.Errorf("asked %d times", got)
	}
}

func TestWhatTheNodeKnowsItselfIsNotKept(t *testing.T) {
	f := newTailnet()
	f.tailnet.add("sub.web.x.ts.net", a("100.64.0.1"))
	r := kept(f)
	for range 3 {
		if _, err := r.Addresses(t.Context(), "sub.web.x.ts.net", true, false); err != nil {
			t.Error(err)
		}
	}
	if got := len(f.tailnet.questions()); got != 3 {
		t.Errorf("asked %d times", got)
	}
}

func TestAChangeForgetsWhatWasKept(t *testing.T) {
	f := newTailnet()
	f.tailnet.add("git.corp.example", a("192.0.2.9"))
	r := kept(f)
	for _, change := range []func(){
		func() {},
		func() { f.settings.Version++ },
		func() { f.exit = route.ExitNode{Set: true} },
		func() { f.exit = route.ExitNode{Set: true, Up: true, Peer: &peers.Peer{StableID: "another"}} },
		func() { f.exit = route.ExitNode{} },
	} {
		change()
		for range 2 {
			if _, err := r.Addresses(t.Context(), "git.corp.example", true, false); err != nil {
				t.Error(err)
			}
		}
		if got := len(f.tailnet.questions()); got != 1 {
			t.Errorf("asked %d times", got)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	f := newTailnet()
	r := kept(f)
	for i := range maxCached + 100 {
		name := fmt.Sprintf("n%d.corp.example", i)
		f.tailnet.add(name, a("192.0.2.9"))
		if _, err := r.Addresses(t.Context(), name, true, false); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(r.cache.answers); got > maxCached {
		t.Errorf("%d answers are kept", got)
	}
}

func TestManyWhoAskTheSameAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTailnet()
		f.tailnet.add("git.corp.example", a("192.0.2.9"))
		f.gate = make(chan struct{})
		r := kept(f)
		var asking sync.WaitGroup
		ctx, giveUp := context.WithCancel(t.Context())
		asking.Go(func() {
			if _, err := r.Addresses(ctx, "git.corp.example", true, false); err == nil {
				t.Error("who gave up got an answer")
			}
		})
		synctest.Wait()
		for range 100 {
			asking.Go(func() {
				got, err := r.Addresses(t.Context(), "GIT.corp.example.", true, false)
				if err != nil || !slices.Equal(got.Addresses, addrs("192.0.2.9")) {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
		synctest.Wait()
		// The first to ask does not take the answer away from the others.
		giveUp()
		synctest.Wait()
		close(f.gate)
		asking.Wait()
		if got := len(f.tailnet.questions()); got != 1 {
			t.Errorf("asked %d times", got)
		}
	})
}
