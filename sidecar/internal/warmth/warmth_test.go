package warmth

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// fakeTunnel has sessions as WireGuard has them: a ping makes a handshake when the last one is 120 s old, unless the peer
// is off.
type fakeTunnel struct {
	mu         sync.Mutex
	peers      map[tailcfg.StableNodeID]*peers.Peer
	handshakes map[tailcfg.StableNodeID]time.Time
	off        map[tailcfg.StableNodeID]bool
	pings      map[tailcfg.StableNodeID]int
	coldest    time.Duration
}

func newFake() *fakeTunnel {
	return &fakeTunnel{
		peers:      map[tailcfg.StableNodeID]*peers.Peer{},
		handshakes: map[tailcfg.StableNodeID]time.Time{},
		off:        map[tailcfg.StableNodeID]bool{},
		pings:      map[tailcfg.StableNodeID]int{},
	}
}

// add adds a peer with which there is a session.
func (f *fakeTunnel) add(number int) *peers.Peer {
	peer := &peers.Peer{
		StableID:  tailcfg.StableNodeID(fmt.Sprintf("n%d", number)),
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{100, 64, 0, byte(number)})},
		Online:    true,
	}
	f.set(peer)
	f.shake(peer.StableID)
	return peer
}

func (f *fakeTunnel) set(peer *peers.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.peers[peer.StableID] = peer
}

func (f *fakeTunnel) shake(id tailcfg.StableNodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handshakes[id] = time.Now()
}

func (f *fakeTunnel) turnOff(id tailcfg.StableNodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off[id] = true
}

func (f *fakeTunnel) pinged(id tailcfg.StableNodeID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pings[id]
}

// coldestPing is how old a session was, at most, when it was pinged.
func (f *fakeTunnel) coldestPing() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.coldest
}

func (f *fakeTunnel) Peer(id tailcfg.StableNodeID) (*peers.Peer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	peer, ok := f.peers[id]
	return peer, ok
}

func (f *fakeTunnel) Handshake(peer *peers.Peer) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.handshakes[peer.StableID]
}

func (f *fakeTunnel) Ping(peer *peers.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pings[peer.StableID]++
	age := time.Since(f.handshakes[peer.StableID])
	f.coldest = max(f.coldest, age)
	if age > 120*time.Second && !f.off[peer.StableID] {
		f.handshakes[peer.StableID] = time.Now()
	}
}

// asleep waits until everybody is left alone and looks whether nothing is sent for an hour.
func asleep(t *testing.T, k *Keeper, f *fakeTunnel) {
	t.Helper()
	time.Sleep(IdleAfter + settleTime)
	synctest.Wait()
	if warm := k.Warm(); warm != 0 {
		t.Errorf("%d peers are kept warm", warm)
	}
	count := func() (all int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, pings := range f.pings {
			all += pings
		}
		return all
	}
	before := count()
	time.Sleep(time.Hour)
	if now := count(); now != before {
		t.Errorf("%d pings in an hour in which nobody did anything", now-before)
	}
}

func TestASessionOutlivesAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := New(t.Context(), f)
		peer, other := f.add(1), f.add(2)
		k.Use(peer)
		for range 14 {
			time.Sleep(time.Minute)
			k.Use(other) // somebody is at work
			if age := time.Since(f.Handshake(peer)); age >= rejectAfter {
				t.Fatalf("the session is %v old", age)
			}
		}
		if pings := f.pinged(peer.StableID); pings > 7 {
			t.Errorf("%d pings in 14 minutes", pings)
		}
		if coldest := f.coldestPing(); coldest > rejectAfter-4*refreshAgain {
			t.Errorf("a ping came when the session was %v old", coldest)
		}
		asleep(t, k, f)
	})
}

func TestAPeerIsLeftAloneAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := New(t.Context(), f)
		peer, other := f.add(1), f.add(2)
		k.Use(peer)
		for range 16 {
			k.Use(other)
			time.Sleep(time.Minute)
		}
		before := f.pinged(peer.StableID)
		for range 10 {
			k.Use(other)
			time.Sleep(time.Minute)
		}
		if pings := f.pinged(peer.StableID) - before; pings != 0 || k.Warm() != 1 {
			t.Errorf("%d pings to a peer that nobody used for %v", pings, PeerFor)
		}
		asleep(t, k, f)
	})
}

func TestAnIdleSessionSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := New(t.Context(), f)
		for number := range Limit {
			k.Use(f.add(number))
		}
		asleep(t, k, f)
	})
}

func TestWorkBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := New(t.Context(), f)
		peer := f.add(1)
		k.Use(peer)
		asleep(t, k, f)
		before := f.pinged(peer.StableID)
		k.Use(peer)
		f.shake(peer.StableID)
		time.Sleep(rejectAfter)
		if f.pinged(peer.StableID) == before {
			t.Error("it is not kept warm")
		}
		asleep(t, k, f)
	})
}

func TestPeersThatWereUsedLastAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := New(t.Context(), f)
		for number := range 3 * Limit {
			k.Use(f.add(number))
			time.Sleep(time.Second)
		}
		if warm := k.Warm(); warm != Limit {
			t.Errorf("%d peers are kept warm", warm)
		}
		time.Sleep(refreshAfter + settleTime)
		for number := range 3 * Limit {
			pinged := f.pinged(tailcfg.StableNodeID(fmt.Sprintf("n%d", number))) > 0
			if pinged != (number >= 2*Limit) {
				t.Errorf("peer %d: pinged is %v", number, pinged)
			}
		}
		asleep(t, k, f)
	})
}

func TestWhoDoesNotAnswerIsGivenUp(t *testing.T) {
	for name, leave := range map[string]func(f *fakeTunnel, peer peers.Peer){
		"it is off":            func(f *fakeTunnel, peer peers.Peer) { f.turnOff(peer.StableID) },
		"it is said to be off": func(f *fakeTunnel, peer peers.Peer) { peer.Online = false; f.set(&peer) },
		"it left the tailnet": func(f *fakeTunnel, peer peers.Peer) {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.peers, peer.StableID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				k := New(t.Context(), f)
				peer := f.add(1)
				k.Use(peer)
				leave(f, *peer)
				time.Sleep(rejectAfter + settleTime)
				if pings := f.pinged(peer.StableID); pings > 6 {
					t.Errorf("%d pings", pings)
				}
				asleep(t, k, f)
			})
		})
	}
}

func TestAPeerThatIsConnectedToForTheFirstTimeHasTimeForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		k := New(t.Context(), f)
		first, peer := f.add(1), f.add(2)
		k.Use(first)
		time.Sleep(settleTime - time.Second)
		f.mu.Lock()
		f.handshakes[peer.StableID] = time.Time{}
		f.mu.Unlock()
		k.Use(peer)
		time.Sleep(2 * time.Second)
		f.shake(peer.StableID)
		time.Sleep(settleTime)
		if k.Warm() != 2 {
			t.Error("it is not kept warm")
		}
		asleep(t, k, f)
	})
}

func TestNobodyIsPingedWhoCannotAnswerOrAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithCancel(t.Context())
		k := New(ctx, f)
		peer := f.add(1)
		foreign := *peer
		foreign.WireGuardOnly = true
		k.Use(&foreign)
		nowhere := *peer
		nowhere.Addresses = nil
		k.Use(&nowhere)
		if k.Warm() != 0 {
			t.Error("it is kept warm")
		}
		k.Use(peer)
		cancel()
		time.Sleep(IdleAfter)
		if f.pinged(peer.StableID) != 0 {
			t.Error("it was pinged after the end")
		}
		k.Use(peer)
	})
}
