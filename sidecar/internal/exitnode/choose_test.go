package exitnode

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

func TestTheFirstThatCanBeUsedIsTaken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(f *fake)
		wanted []string
		want   string
	}{
		{"all can", func(*fake) {}, []string{"berlin", "paris"}, "berlin"},
		{"the preferred is farther", func(f *fake) { f.with("berlin", func(n *fakeNode) { n.away = 300 * time.Millisecond }) }, []string{"berlin", "paris"}, "berlin"},
		{"the preferred is dead", func(f *fake) { f.kill("berlin") }, []string{"berlin", "paris"}, "paris"},
		{"the preferred is offline", func(f *fake) { f.change("berlin", func(p *peers.Peer) { p.Online = false }) }, []string{"berlin", "paris"}, "paris"},
		{"the preferred is unknown", func(*fake) {}, []string{"rome", "paris"}, "paris"},
		{"the preferred is not routed to", func(f *fake) { f.with("berlin", func(n *fakeNode) { n.unrouted = true }) }, []string{"berlin", "paris"}, "paris"},
		{"the preferred has forgotten the tunnel", func(f *fake) { f.with("berlin", func(n *fakeNode) { n.stale = true }) }, []string{"berlin", "paris"}, "berlin"},
		{"the nearest", func(f *fake) { f.with("paris", func(n *fakeNode) { n.away = time.Millisecond }) }, []string{"auto"}, "paris"},
		{"what Tailscale suggests", func(f *fake) { f.suggested = "n-tokyo" }, []string{"AUTO"}, "tokyo"},
		{"what Tailscale suggests is dead", func(f *fake) {
			f.suggested = "n-tokyo"
			f.kill("tokyo")
			f.with("berlin", func(n *fakeNode) { n.away = time.Millisecond })
		}, []string{"auto"}, "berlin"},
		{"any when the preferred is dead", func(f *fake) { f.kill("paris"); f.suggested = "n-berlin" }, []string{"paris", "auto"}, "berlin"},
		{"a node that knows no pings of Tailscale's", func(f *fake) {
			f.change("berlin", func(p *peers.Peer) { p.WireGuardOnly = true })
		}, []string{"berlin"}, "berlin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake("berlin", "paris", "tokyo")
				tt.change(f)
				m := f.manage(t)
				if peer := mustSet(t, m, tt.wanted...); hostOf(peer) != tt.want {
					t.Errorf("it is %s", peer.Name)
				}
				if f.inUse() != m.Current().Peer.StableID {
					t.Errorf("Tailscale has %s", f.inUse())
				}
				f.happened(t, "up "+tt.want)
				m.Close()
			})
		})
	}
}

func TestWhatFailsLeavesTheFormerInForce(t *testing.T) {
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errOver)
	for _, tt := range []struct {
		name   string
		change func(f *fake)
		ctx    context.Context
		wanted []string
		code   message.Code
		says   []string
		cuts   bool
	}{
		{"nobody answers", func(f *fake) { f.kill("paris") }, nil, []string{"paris"}, message.ExitNodeDown, []string{"paris does not answer"}, false},
		{"each has its reason", func(f *fake) {
			f.kill("paris")
			f.change("tokyo", func(p *peers.Peer) { p.ExitNodeOption = false })
		}, nil, []string{"paris", "tokyo", "rome"}, message.ExitNodeDown, []string{"paris does not answer", "tokyo is not an exit node", `"rome"`}, false},
		{"all have the same", func(*fake) {}, nil, []string{"rome", "oslo"}, message.NoSuchHost, nil, false},
		{"there is none at all", func(f *fake) {
			for _, name := range []string{"berlin", "paris", "tokyo"} {
				f.change(name, func(p *peers.Peer) { p.ExitNodeOption = name == "berlin"; p.Online = name != "berlin" })
			}
		}, nil, []string{"auto"}, message.ExitNodeDown, []string{"no exit node that is online"}, true},
		{"who asked has left", func(*fake) {}, cancelled, []string{"paris"}, message.Internal, []string{"over"}, false},
		// It answers, so nothing said that the former had to stay; what went by it has ended.
		{"it is not routed to", func(f *fake) { f.with("paris", func(n *fakeNode) { n.unrouted = true }) }, nil, []string{"paris"}, message.ExitNodeDown, []string{"routed"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake("berlin", "paris", "tokyo")
				m := f.manage(t)
				defer m.Close()
				mustSet(t, m, "berlin", "tokyo")
				cut := use(m)
				tt.change(f)
				ctx := tt.ctx
				if ctx == nil {
					ctx = context.Background()
				}
				_, err := m.Set(ctx, tt.wanted, true)
				codeOf(t, err, tt.code, tt.says...)
				state := m.Current()
				if state.Peer.StableID != "n-berlin" || len(state.Wanted) != 2 || state.LANAccess || f.inUse() != "n-berlin" {
					t.Errorf("the state is %+v, and Tailscale has %s", state, f.inUse())
				}
				select {
				case err := <-cut:
					if !tt.cuts {
						t.Errorf("what went by it was cut: %v", err)
					}
				default:
				}
			})
		})
	}
}

func TestWithoutAFormerNothingStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("berlin")
		f.with("berlin", func(n *fakeNode) { n.unrouted = true })
		m := f.manage(t)
		defer m.Close()
		_, err := m.Set(t.Context(), []string{"berlin"}, false)
		codeOf(t, err, message.ExitNodeDown)
		if m.Current() != nil || f.inUse() != "" {
			t.Errorf("the state is %+v, and Tailscale has %q", m.Current(), f.inUse())
		}
		f.down = message.Errorf(message.NotConnected, "no")
		_, err = m.Set(t.Context(), []string{"berlin"}, false)
		codeOf(t, err, message.NotConnected)
	})
}

func TestWhatIsInsistedOnIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("berlin", "paris")
		f.change("paris", func(p *peers.Peer) { p.Online = false })
		m := f.manage(t)
		defer m.Close()
		peer, err := m.Insist(t.Context(), []string{"paris"}, true)
		if peer != nil || err != nil {
			t.Fatalf("Insist: %v, %v", peer, err)
		}
		state := m.Current()
		if state == nil || state.Up() || state.Lease != nil || !state.LANAccess {
			t.Fatalf("the state is %+v", state)
		}
		if status := m.Status(); status.State != message.ExitNodeIsDown || status.Node != nil || status.Reason != "paris is offline" {
			t.Errorf("the status is %+v", status)
		}
		// Another wish that cannot be met changes nothing.
		_, err = m.Set(t.Context(), []string{"rome"}, false)
		codeOf(t, err, message.NoSuchHost)
		if m.Current() != state {
			t.Errorf("the state is %+v", m.Current())
		}
		f.change("paris", func(p *peers.Peer) { p.Online = true })
		m.Look()
		time.Sleep(5 * time.Second)
		if state := m.Current(); state == nil || !state.Up() || hostOf(state.Peer) != "paris" || !state.LANAccess {
			t.Errorf("the state is %+v", state)
		}
		f.happened(t, "waits: paris is offline", "up paris")
	})
}

func TestTheSameNodeIsKeptWithWhatGoesByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("berlin", "paris")
		m := f.manage(t)
		defer m.Close()
		mustSet(t, m, "berlin")
		cut := use(m)
		if _, err := m.Set(t.Context(), []string{"100.64.0.1", "auto"}, true); err != nil {
			t.Fatal(err)
		}
		if state := m.Current(); !state.Up() || !state.LANAccess || len(state.Wanted) != 2 {
			t.Errorf("the state is %+v", state)
		}
		select {
		case err := <-cut:
			t.Errorf("it was cut: %v", err)
		default:
		}
		mustSet(t, m, "paris")
		codeOf(t, <-cut, message.Aborted, "from berlin to paris")
		cut = use(m)
		mustSet(t, m)
		codeOf(t, <-cut, message.Aborted, "paris is used no more")
		if f.inUse() != "" || m.Current() != nil {
			t.Errorf("Tailscale has %q", f.inUse())
		}
		f.happened(t, "up berlin", "up berlin", "up paris", "none")
	})
}

func TestDialsWaitForTheVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("berlin")
		f.with("berlin", func(n *fakeNode) { n.unrouted = true })
		m := f.manage(t)
		defer m.Close()
		failed := make(chan error)
		go func() {
			_, err := m.Set(t.Context(), []string{"berlin"}, false)
			failed <- err
		}()
		time.Sleep(routeLimit / 2)
		if status := m.Status(); status == nil || status.State != message.ExitNodeIsDown || status.Reason == "" {
			t.Errorf("the status is %+v", status)
		}
		_, _, err := m.Current().Lease.Hold(t.Context())
		codeOf(t, err, message.ExitNodeDown, "could not be verified")
		if err := <-failed; !errors.As(err, new(*message.Error)) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSuggestsWhatAutoWouldTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("berlin", "paris")
		f.with("paris", func(n *fakeNode) { n.away = time.Millisecond })
		m := f.manage(t)
		defer m.Close()
		if peer, err := m.Suggest(t.Context()); err != nil || hostOf(peer) != "paris" {
			t.Errorf("it is %v, %v", peer, err)
		}
		f.suggested = "n-berlin"
		if peer, err := m.Suggest(t.Context()); err != nil || hostOf(peer) != "berlin" {
			t.Errorf("it is %v, %v", peer, err)
		}
		if peer, err := newFake().manage(t).Suggest(t.Context()); err != nil || peer != nil {
			t.Errorf("it is %v, %v", peer, err)
		}
	})
}
