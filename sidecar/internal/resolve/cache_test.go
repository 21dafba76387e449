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
