package node

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// rejectAfter is WireGuard's.
const rejectAfter = 180 * time.Second

// fakeTunnel is a peer that learns of this node at knowsAt, and loses handshakes before handshakesAt.
type fakeTunnel struct {
	started               time.Time
	roundTrip             time.Duration
	knowsAt, handshakesAt time.Duration

	mu                    sync.Mutex
	discos, tsmps, resets int
	shaken                time.Time
	// stale: the peer was started anew, and does not understand the session that was shaken hands for.
	stale, lost bool
}

func (f *fakeTunnel) since() time.Duration { return time.Since(f.started) }

func (f *fakeTunnel) disco(_ netip.Addr, answered func(time.Duration)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.discos++
	if f.since() >= f.knowsAt {
		time.AfterFunc(f.roundTrip, func() { answered(f.roundTrip) })
	}
}

// tsmp starts a handshake unless one was lost: WireGuard then waits until it is reset.
func (f *fakeTunnel) tsmp(_ netip.Addr, answered func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tsmps++
	if f.stale {
		return
	}
	if time.Since(f.shaken) < rejectAfter {
		time.AfterFunc(f.roundTrip, answered)
		return
	}
	if f.lost {
		return
	}
	if f.since() < f.handshakesAt {
		f.lost = true
		return
	}
	time.AfterFunc(f.roundTrip, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.shaken = time.Now()
	})
	time.AfterFunc(2*f.roundTrip, answered)
}

func (f *fakeTunnel) handshake(key.NodePublic) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shaken
}

func (f *fakeTunnel) reset(key.NodePublic) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resets++
	f.stale, f.lost, f.shaken = false, false, time.Time{}
}

func newPeer() *peers.Peer {
	return &peers.Peer{
		Key:       key.NewNode().Public(),
		Disco:     key.NewDisco().Public(),
		Addresses: []netip.Addr{netip.MustParseAddr("100.64.0.1")},
	}
}

func TestAwaitsThePath(t *testing.T) {
	const never = time.Hour
	for _, tt := range []struct {
		name          string
		tunnel        *fakeTunnel
		atMost        time.Duration
		resetsAtLeast int
		resetsAtMost  int
	}{
		{"at once when the peer knows us", &fakeTunnel{roundTrip: time.Millisecond}, 3 * time.Millisecond, 0, 0},
		{"over a long path", &fakeTunnel{roundTrip: 300 * time.Millisecond}, 300*time.Millisecond + 2*shakenPause, 0, 0},
		{"when the peer hears of us later", &fakeTunnel{roundTrip: time.Millisecond, knowsAt: 20 * time.Millisecond, handshakesAt: 20 * time.Millisecond}, 40 * time.Millisecond, 1, 1},
		{"when the peer knows us before it can answer", &fakeTunnel{roundTrip: time.Millisecond, handshakesAt: 2 * time.Millisecond}, 60 * time.Millisecond, 1, 1},
		{"when it loses two handshakes", &fakeTunnel{roundTrip: time.Millisecond, handshakesAt: 40 * time.Millisecond}, 90 * time.Millisecond, 2, 2},
		{"when that takes long", &fakeTunnel{roundTrip: time.Millisecond, handshakesAt: 500 * time.Millisecond}, 800 * time.Millisecond, 2, 6},
		{"when it was started anew", &fakeTunnel{roundTrip: time.Millisecond, stale: true, shaken: time.Unix(946_684_790, 0)}, 60 * time.Millisecond, 1, 1},
		{"not for ever when the peer is off", &fakeTunnel{knowsAt: never, handshakesAt: never}, probeLimit, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tunnel := tt.tunnel
				tunnel.started = time.Now()
				p := newPaths(ctx, tunnel)
				p.await(t.Context(), newPeer())
				if took := time.Since(tunnel.started); took > tt.atMost {
					t.Errorf("it took %v", took)
				}
				if tunnel.resets < tt.resetsAtLeast || tunnel.resets > tt.resetsAtMost {
					t.Errorf("%d resets", tunnel.resets)
				}
				cancel()
				time.Sleep(time.Second) // of the test's clock: what was sent comes back
			})
		})
	}
}

func TestAsksAPeerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tunnel := fakeTunnel{roundTrip: time.Millisecond, started: time.Now()}
		p := newPaths(t.Context(), &tunnel)
		peer := newPeer()
		for range 5 {
			p.await(t.Context(), peer)
		}
		if tunnel.tsmps != 1 {
			t.Errorf("%d pings", tunnel.tsmps)
		}
		restarted := *peer
		restarted.Disco = key.NewDisco().Public()
		p.await(t.Context(), &restarted)
		if tunnel.tsmps != 2 {
			t.Errorf("%d pings after the peer restarted", tunnel.tsmps)
		}
		time.Sleep(time.Second)
	})
}

func TestAsksAgainWhenTheSessionHasRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tunnel := fakeTunnel{roundTrip: time.Millisecond, started: time.Now()}
		p := newPaths(t.Context(), &tunnel)
		peer := newPeer()
		p.await(t.Context(), peer)
		time.Sleep(sessionAge - time.Second)
		p.await(t.Context(), peer)
		if tunnel.tsmps != 1 {
			t.Errorf("%d pings while there was a session", tunnel.tsmps)
		}
		time.Sleep(10 * time.Second)
		before := time.Now()
		p.await(t.Context(), peer)
		if tunnel.tsmps != 2 || time.Since(before) > 5*time.Millisecond {
			t.Errorf("%d pings, and it took %v", tunnel.tsmps, time.Since(before))
		}
		time.Sleep(time.Second)
	})
}

func TestAPeerThatWasOffIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tunnel := fakeTunnel{knowsAt: time.Hour, handshakesAt: time.Hour, started: time.Now()}
		p := newPaths(t.Context(), &tunnel)
		peer := newPeer()
		p.await(t.Context(), peer)
		p.await(t.Context(), peer)
		if tunnel.tsmps != 2 {
			t.Errorf("%d pings", tunnel.tsmps)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := time.Now()
		p.await(ctx, peer)
		if time.Since(before) != 0 {
			t.Error("it waited longer than it was to")
		}
		time.Sleep(2 * probeLimit)
	})
}

func TestDoesNotAskWhoCannotAnswer(t *testing.T) {
	for name, change := range map[string]func(p *peers.Peer){
		"WireGuard only": func(p *peers.Peer) { p.WireGuardOnly = true },
		"no disco key":   func(p *peers.Peer) { p.Disco = key.DiscoPublic{} },
		"no address":     func(p *peers.Peer) { p.Addresses = nil },
	} {
		t.Run(name, func(t *testing.T) {
			var tunnel fakeTunnel
			peer := newPeer()
			change(peer)
			newPaths(t.Context(), &tunnel).await(t.Context(), peer)
			if tunnel.discos+tunnel.tsmps != 0 {
				t.Error("it was asked")
			}
		})
	}
}
