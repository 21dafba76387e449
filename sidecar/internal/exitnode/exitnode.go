package exitnode

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

const (
	// setLimit is how long Set may take in all.
	setLimit = 10 * time.Second
	// insistLimit is the same where it need not be there: everything else, the tailnet too, waits for the answer.
	insistLimit = time.Second
	// flushLimit is how long the resets of what went by the former exit node may take to leave.
	flushLimit = 250 * time.Millisecond
)

// setting is how long nodes have when a user waits for them.
var setting = patience{limit: 4 * time.Second, head: time.Second}

// State is an exit node that is set, whether or not it is there. It is never changed.
type State struct {
	// Wanted is what was asked for, in order of preference.
	Wanted    []string
	LANAccess bool
	// Peer is the one in force; when that is down, the last; nil when there was none so far.
	Peer *peers.Peer
	// Lease is nil while it is down.
	Lease *Lease
	// Reason is why it is down.
	Reason string

	verified bool
}

// Up reports whether the exit node is in force and verified.
func (s *State) Up() bool { return s.Lease != nil && s.verified }

// Manager keeps the exit node of one node.
type Manager struct {
	tailnet Tailnet
	// tell is told of each change, in order; nil is none.
	tell    func(*State)
	current atomic.Pointer[State]

	// turn is held by who changes it.
	turn chan struct{}
	// looks has the watch look now.
	looks    chan struct{}
	watching sync.Once
	ctx      context.Context
	cancel   context.CancelFunc
	tasks    sync.WaitGroup

	mu      sync.Mutex
	waiting int                // who wants the turn to do what a user said
	attempt context.CancelFunc // ends the watch's own
}

// New returns a manager without an exit node. tell is called with nil when there is none any more.
func New(tailnet Tailnet, tell func(*State)) *Manager {
	m := &Manager{tailnet: tailnet, tell: tell, turn: make(chan struct{}, 1), looks: make(chan struct{}, 1)}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Close ends the watch. The exit node stays as it is.
func (m *Manager) Close() {
	m.cancel()
	m.tasks.Wait()
}

// Current returns what is set, nil for no exit node.
func (m *Manager) Current() *State { return m.current.Load() }

// Look says that the netmap may have changed. It does not wait.
func (m *Manager) Look() {
	select {
	case m.looks <- struct{}{}:
	default: // it will look anyway
	}
}

// Set makes the first of wanted that can be used the exit node, none when there is nothing wanted, and returns it when it
// was verified. When it fails, what was set before is in force as before.
func (m *Manager) Set(ctx context.Context, wanted []string, lanAccess bool) (*peers.Peer, error) {
	return m.set(ctx, wanted, lanAccess, false)
}

// Insist is Set, but what is wanted stays so when none of it can be used: until the watch finds one that can, what is meant
// for it fails. It returns nil then.
func (m *Manager) Insist(ctx context.Context, wanted []string, lanAccess bool) (*peers.Peer, error) {
	return m.set(ctx, wanted, lanAccess, true)
}

func (m *Manager) set(ctx context.Context, wanted []string, lanAccess, insist bool) (*peers.Peer, error) {
	if err := m.tailnet.Running(); err != nil {
		return nil, err
	}
	limit := setLimit
	if insist {
		limit = insistLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, message.Errorf(message.ExitNodeDown,
		"no exit node could be verified within %v", limit))
	defer cancel()
	release, err := m.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if len(wanted) == 0 {
		return nil, m.leave(ctx)
	}
	m.watching.Do(func() { m.tasks.Go(m.watch) })
	all := candidatesOf(ctx, m.tailnet, wanted)
	next := &State{Wanted: wanted, LANAccess: lanAccess}
	peer, err := m.choose(ctx, all, next, setting)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil && insist {
		m.wait(ctx, next, err)
		return nil, nil
	}
	return peer, err
}

// wait goes without any, but not past it. The turn is held.
func (m *Manager) wait(ctx context.Context, next *State, why error) {
	next.Reason = why.Error()
	former := m.current.Swap(next)
	if former != nil && former.Lease != nil {
		former.Lease.end(message.Errorf(message.Aborted, "the exit node %s is used no more", hostOf(former.Peer)))
		m.flush(ctx)
	}
	m.told(next)
}

// choose puts the first of all that works in force.
func (m *Manager) choose(ctx context.Context, all []candidate, next *State, p patience) (*peers.Peer, error) {
	for {
		i := pick(ctx, m.tailnet, all, p)
		if i < 0 {
			return nil, why(all)
		}
		if err := m.enforce(ctx, all[i].peer, next); err != nil {
			all[i].err = err
			continue
		}
		return all[i].peer, nil
	}
}

// take waits for the turn. The watch gives way.
func (m *Manager) take(ctx context.Context) (release func(), err error) {
	m.mu.Lock()
	m.waiting++
	if m.attempt != nil {
		m.attempt()
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.waiting--
		m.mu.Unlock()
	}()
	select {
	case m.turn <- struct{}{}:
		return func() { <-m.turn; m.Look() }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// enforce makes peer the exit node in place of the former one, which stays when that fails. The turn is held.
func (m *Manager) enforce(ctx context.Context, peer *peers.Peer, wanted *State) error {
	former := m.current.Load()
	next := *wanted
	next.Peer = peer
	if former != nil && former.Lease != nil && former.Peer.StableID == peer.StableID {
		return m.keep(ctx, former, next)
	}
	next.Lease = newLease(m.Look)
	// From now on dials are for the new one, and wait until it is verified.
	m.current.Store(&next)
	if former != nil && former.Lease != nil {
		former.Lease.end(message.Errorf(message.Aborted, "the exit node was changed from %s to %s", hostOf(former.Peer), hostOf(peer)))
		m.flush(ctx)
	}
	err := m.tailnet.Use(ctx, peer.StableID, next.LANAccess)
	if err == nil {
		err = routed(ctx, m.tailnet, peer)
	}
	if err != nil {
		m.restore(former)
		next.Lease.end(message.Errorf(message.ExitNodeDown, "the exit node %s could not be verified: %w", hostOf(peer), err))
		return err
	}
	verified := next
	verified.verified = true
	m.current.Store(&verified)
	next.Lease.confirm()
	m.told(&verified)
	return nil
}

// keep goes on with the node that is in force, and with what goes by it.
func (m *Manager) keep(ctx context.Context, former *State, next State) error {
	next.Lease, next.verified = former.Lease, true
	err := m.tailnet.Use(ctx, next.Peer.StableID, next.LANAccess)
	if err == nil {
		err = routed(ctx, m.tailnet, next.Peer)
	}
	if err != nil {
		m.reuse(former)
		return err
	}
	m.current.Store(&next)
	m.told(&next)
	return nil
}

// restore puts what was in force before in force again.
func (m *Manager) restore(former *State) {
	if former == nil {
		m.current.Store(nil)
		m.reuse(nil)
		return
	}
	again := *former
	if former.Lease != nil {
		again.Lease = newLease(m.Look)
		again.Lease.confirm()
	}
	m.current.Store(&again)
	m.reuse(&again)
}

// reuse tells Tailscale of a setting that it had before. Should that fail, it has no way to the former one, and nothing
// leaves by another: the watch finds out.
func (m *Manager) reuse(former *State) {
	id, lanAccess := tailcfg.StableNodeID(""), false
	if former != nil && former.Peer != nil {
		id, lanAccess = former.Peer.StableID, former.LANAccess
	}
	ctx, cancel := context.WithTimeout(m.ctx, routeLimit)
	defer cancel()
	_ = m.tailnet.Use(ctx, id, lanAccess)
}

// leave goes without an exit node.
func (m *Manager) leave(ctx context.Context) error {
	former := m.current.Swap(nil)
	if former != nil && former.Lease != nil {
		former.Lease.end(message.Errorf(message.Aborted, "the exit node %s is used no more", hostOf(former.Peer)))
		m.flush(ctx)
	}
	err := m.tailnet.Use(ctx, "", false)
	m.told(nil)
	return err
}

// flush has resets go the way of what they reset, for which it is too late when there is another.
func (m *Manager) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	m.tailnet.Flush(ctx)
}

func (m *Manager) told(state *State) {
	if m.tell != nil {
		m.tell(state)
	}
}
