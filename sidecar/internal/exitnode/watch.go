package exitnode

import (
	"context"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const (
	// retryPause is between two attempts to find an exit node while there is none.
	retryPause = 500 * time.Millisecond
	// askLimit is how long others have to answer before the one in force is given up.
	askLimit = 2 * time.Second
)

// recovering is how long nodes have while everything fails until one of them answers.
var recovering = patience{limit: 2 * time.Second, head: 250 * time.Millisecond}

// watch follows the exit node in force until the manager is closed.
func (m *Manager) watch() {
	w := &watcher{Manager: m}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-m.looks:
		case <-timer.C:
		case <-m.ctx.Done():
			return
		}
		if again := w.look(time.Now()); again > 0 {
			timer.Reset(again)
		} else {
			timer.Stop()
		}
	}
}

type watcher struct {
	*Manager
	silence *silence
	// failed has just failed, and is not tried before all others were.
	failed tailcfg.StableNodeID
	// retried is when an exit node was last looked for.
	retried time.Time
}

// look returns when to look again, if nothing happens before; zero is never.
func (w *watcher) look(now time.Time) time.Duration {
	state := w.current.Load()
	switch {
	case state == nil, state.Lease != nil && !state.verified:
		return 0
	case state.Lease == nil:
		return w.retry(state, now)
	}
	peer, ok := w.tailnet.Peers().ByID(state.Peer.StableID)
	if !ok {
		return w.fail(state, message.Errorf(message.ExitNodeDown, "%s is not in the tailnet any more", hostOf(state.Peer)))
	}
	if err := usable(peer); err != nil {
		return w.fail(state, err)
	}
	if !state.Lease.inUse() || peer.WireGuardOnly {
		w.silence = nil
		return 0
	}
	if w.silence == nil || w.silence.lease != state.Lease {
		w.silence = newSilence(w.tailnet, state.Lease, peer, now)
	}
	silent := w.silence.look(peer, now)
	if silent >= pingAgain && !w.silence.asked {
		w.silence.asked = true
		w.askOthers(state, w.silence)
	}
	if silent >= downAfter || silent >= failoverAfter && w.silence.other.Load() {
		return w.fail(state, message.Errorf(message.ExitNodeDown, "%s does not answer", hostOf(peer)))
	}
	return tick
}

// askOthers finds out whether there is a node to go on with.
func (w *watcher) askOthers(state *State, s *silence) {
	w.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(w.ctx, askLimit)
		defer cancel()
		others := without(candidatesOf(ctx, w.tailnet, state.Wanted), state.Peer.StableID)
		if pick(ctx, w.tailnet, others, patience{limit: askLimit}) >= 0 {
			s.other.Store(true)
			w.Look()
		}
	})
}

// fail ends what goes by the exit node, unless somebody is about to set another.
func (w *watcher) fail(state *State, reason error) time.Duration {
	ctx, release, ok := w.begin()
	if !ok {
		return tick
	}
	defer release()
	if w.current.Load() != state || ctx.Err() != nil {
		return tick
	}
	down := *state
	down.Lease, down.verified, down.Reason = nil, false, reason.Error()
	w.current.Store(&down)
	state.Lease.end(message.Errorf(message.ExitNodeDown, "the exit node is down: %w", reason))
	w.told(&down)
	w.failed = state.Peer.StableID
	w.retried = time.Time{}
	w.Look()
	return 0
}

// retry looks for an exit node.
func (w *watcher) retry(state *State, now time.Time) time.Duration {
	if early := retryPause - now.Sub(w.retried); early > 0 {
		return early
	}
	ctx, release, ok := w.begin()
	if !ok {
		return tick
	}
	defer release()
	if w.current.Load() != state {
		return tick
	}
	all := candidatesOf(ctx, w.tailnet, state.Wanted)
	if w.failed != "" {
		all = without(all, w.failed)
		w.failed = ""
	}
	// The reason of the state stays what made it go down.
	_, err := w.choose(ctx, all, &State{Wanted: state.Wanted, LANAccess: state.LANAccess}, recovering)
	w.retried = time.Now()
	if err != nil {
		return retryPause
	}
	return tick
}

// begin takes the turn if nobody has it or waits for it.
func (w *watcher) begin() (ctx context.Context, release func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting > 0 {
		return nil, nil, false
	}
	select {
	case w.turn <- struct{}{}:
	default:
		return nil, nil, false
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.attempt = cancel
	return ctx, func() {
		w.mu.Lock()
		w.attempt = nil
		w.mu.Unlock()
		cancel()
		<-w.turn
	}, true
}
