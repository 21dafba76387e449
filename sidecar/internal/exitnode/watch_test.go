package exitnode

import (
	"testing"
	"testing/synctest"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// watched runs a test with berlin and paris, of which berlin is set by a list.
func watched(t *testing.T, wanted []string, test func(t *testing.T, f *fake, m *Manager)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake("berlin", "paris")
		m := f.manage(t)
		defer m.Close()
		mustSet(t, m, wanted...)
		f.happened(t, "up berlin")
		test(t, f, m)
	})
}

func isCut(t *testing.T, cut <-chan error, yes bool) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-cut:
		if !yes {
			t.Fatalf("it was cut: %v", err)
		}
		codeOf(t, err, message.ExitNodeDown)
	default:
		if yes {
			t.Fatal("it was not cut")
		}
	}
}

func TestAnExitNodeThatNobodyUsesIsNotPinged(t *testing.T) {
	watched(t, []string{"berlin"}, func(t *testing.T, f *fake, m *Manager) {
		before := f.pings("berlin")
		time.Sleep(time.Hour)
		unbind := m.Current().Lease.Bind(func(error) {})
		unbind()
		time.Sleep(time.Hour)
		// One look may have come while it was used.
		if pings := f.pings("berlin") - before; pings > 1 {
			t.Errorf("it was pinged %d times", pings)
		}
		f.happened(t)
	})
}

func TestAnExitNodeWithTrafficIsNotPinged(t *testing.T) {
	watched(t, []string{"berlin"}, func(t *testing.T, f *fake, m *Manager) {
		use(m)
		before := f.pings("berlin")
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			f.with("berlin", func(n *fakeNode) { n.counters.Received++ })
		}
		if pings := f.pings("berlin") - before; pings > 0 {
			t.Errorf("it was pinged %d times", pings)
		}
		f.happened(t)
	})
}

func TestAQuietExitNodeIsPingedNowAndThen(t *testing.T) {
	watched(t, []string{"berlin"}, func(t *testing.T, f *fake, m *Manager) {
		use(m)
		before := f.pings("berlin")
		time.Sleep(time.Minute)
		if pings := f.pings("berlin") - before; pings < 6 || pings > 13 {
			t.Errorf("it was pinged %d times in a minute", pings)
		}
		f.happened(t)
	})
}

func TestTheNextIsTakenWhenItAnswersAndTheFirstDoesNot(t *testing.T) {
	for _, wanted := range [][]string{{"berlin", "paris"}, {"berlin", "auto"}} {
		watched(t, wanted, func(t *testing.T, f *fake, m *Manager) {
			cut := use(m)
			f.kill("berlin")
			// Traffic that is not answered.
			f.with("berlin", func(n *fakeNode) { n.counters.Sent++ })
			time.Sleep(quiet + failoverAfter - tick)
			isCut(t, cut, false)
			time.Sleep(3 * tick)
			isCut(t, cut, true)
			f.happened(t, "down berlin: berlin does not answer", "up paris")
			// The first is not gone back to: what goes by the other would end.
			f.revive("berlin")
			time.Sleep(time.Hour)
			f.happened(t)
		})
	}
}

func TestWhileNobodyAnswersConnectionsAreGivenTime(t *testing.T) {
	watched(t, []string{"berlin", "paris"}, func(t *testing.T, f *fake, m *Manager) {
		time.Sleep(calm)
		cut := use(m)
		f.kill("berlin")
		f.kill("paris")
		time.Sleep(downAfter)
		isCut(t, cut, false)
		f.revive("berlin")
		f.revive("paris")
		time.Sleep(time.Minute)
		isCut(t, cut, false)
		f.happened(t)

		f.kill("berlin")
		f.kill("paris")
		time.Sleep(calm + downAfter + time.Second)
		isCut(t, cut, true)
		f.happened(t, "down berlin: berlin does not answer")
		if status := m.Status(); status.State != message.ExitNodeIsDown || status.Reason == "" || m.Current().Lease != nil || f.inUse() != "n-berlin" {
			t.Errorf("the status is %+v", status)
		}
		time.Sleep(time.Hour)
		f.revive("berlin")
		time.Sleep(5 * time.Second)
		f.happened(t, "up berlin")
	})
}

func TestTheNetmapsWordIsEnough(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(f *fake)
		reason string
	}{
		{"offline", func(f *fake) { f.change("berlin", func(p *peers.Peer) { p.Online = false }) }, "berlin is offline"},
		{"not approved any more", func(f *fake) {
			f.change("berlin", func(p *peers.Peer) { p.ExitNodeOption, p.ExitNodeOffered = false, true })
		}, "berlin offers itself as an exit node, but nobody has approved it; an admin of the tailnet has to"},
		{"gone", func(f *fake) { f.table.Update(nil, []tailcfg.NodeID{1}) }, "berlin is not in the tailnet any more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			watched(t, []string{"berlin"}, func(t *testing.T, f *fake, m *Manager) {
				cut := use(m)
				tt.change(f)
				m.Look()
				isCut(t, cut, true)
				f.happened(t, "down berlin: "+tt.reason)
				time.Sleep(time.Minute)
				f.happened(t)
				f.change("berlin", func(p *peers.Peer) { p.Online, p.ExitNodeOption = true, true })
				m.Look()
				time.Sleep(time.Second)
				f.happened(t, "up berlin")
			})
		})
	}
}

func TestAUserIsNotKeptWaitingByTheWatch(t *testing.T) {
	watched(t, []string{"berlin"}, func(t *testing.T, f *fake, m *Manager) {
		use(m)
		f.kill("berlin")
		time.Sleep(time.Minute)
		f.happened(t, "down berlin: berlin does not answer")
		// In the middle of an attempt.
		started := time.Now()
		mustSet(t, m, "paris")
		if took := time.Since(started); took > time.Second {
			t.Errorf("it took %v", took)
		}
		mustSet(t, m)
		time.Sleep(time.Hour)
		f.happened(t, "up paris", "none")
	})
}
