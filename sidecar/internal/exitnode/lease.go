package exitnode

import (
	"context"
	"sync"
)

// Lease is the time an exit node is in force. What goes by the exit node is bound to its lease, and ends with it.
type Lease struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	// confirmed is closed when the exit node was verified.
	confirmed chan struct{}
	// used is told when the first of what is bound comes.
	used func()

	mu    sync.Mutex
	bound map[*binding]struct{}
}

type binding struct{ cut func(cause error) }

func newLease(used func()) *Lease {
	l := &Lease{confirmed: make(chan struct{}), used: used, bound: map[*binding]struct{}{}}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	return l
}

// NewLease returns a lease of an exit node that is known to work, and what ends it, for whoever has no Manager.
func NewLease() (lease *Lease, end func(cause error)) {
	lease = newLease(func() {})
	lease.confirm()
	return lease, lease.end
}

func (l *Lease) confirm() { close(l.confirmed) }

// Ended returns why the lease has ended, or nil while it has not.
func (l *Lease) Ended() error { return context.Cause(l.ctx) }

// Bind has cut called when the lease ends, before the end is told to anybody; at once when it has ended already. cut must not
// wait. What Bind returns takes it back.
func (l *Lease) Bind(cut func(cause error)) (unbind func()) {
	b := &binding{cut}
	l.mu.Lock()
	if err := l.Ended(); err != nil {
		l.mu.Unlock()
		cut(err)
		return func() {}
	}
	l.bound[b] = struct{}{}
	first := len(l.bound) == 1
	l.mu.Unlock()
	if first {
		l.used()
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.bound, b)
	}
}

// Hold waits until the exit node is verified. The context that it returns ends with ctx and with the lease.
func (l *Lease) Hold(ctx context.Context) (held context.Context, release func(), err error) {
	held, cancel := context.WithCancelCause(ctx)
	unbind := l.Bind(cancel)
	release = func() { unbind(); cancel(nil) }
	select {
	case <-l.confirmed:
	case <-held.Done():
	}
	if err := context.Cause(held); err != nil {
		release()
		return nil, nil, err
	}
	return held, release, nil
}

// inUse reports whether anything is bound.
func (l *Lease) inUse() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.bound) > 0
}

// end cuts what is bound. When it returns, all of that was told.
func (l *Lease) end(cause error) {
	l.mu.Lock()
	l.cancel(cause)
	bound := l.bound
	l.bound = nil
	l.mu.Unlock()
	for b := range bound {
		b.cut(cause)
	}
}
