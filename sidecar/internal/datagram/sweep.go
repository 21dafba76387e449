package datagram

import (
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// startLocked prepares the table for its first flow.
func (t *Table) startLocked() {
	if t.flows != nil {
		return
	}
	t.flows = map[flowKey]*entry{}
	t.ended = make(chan struct{})
	t.pool.lent = make(chan struct{}, maxLent)
	if t.Limit == 0 {
		t.Limit = DefaultLimit
	}
	if t.RefusalWait == 0 {
		t.RefusalWait = refusalWait
	}
	t.tasks.Go(t.sweepAll)
}

func (t *Table) sweepAll() {
	tick := time.NewTicker(SweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.sweep(SweepInterval)
		case <-t.ended:
			return
		}
	}
}

// sweep looks at the flows that have carried nothing for a time: far sides that were idle too long are closed, and
// flows whose program's socket is gone. The others are kept: to a connected socket the end of its flow would look like
// a refusal.
func (t *Table) sweep(unused time.Duration) {
	now := t.now()
	for _, f := range t.all(func(f *flow) bool { return f.idle(now) >= unused }) {
		if f.check(now) {
			t.close(f, nil)
		}
	}
}

// Ended says that a process has ended. Of its sockets some may live on in others.
func (t *Table) Ended(pid int) {
	now := t.now()
	for _, f := range t.all(func(f *flow) bool { return f.request.PID == pid }) {
		f.abandon()
		if f.check(now) {
			t.close(f, nil)
		}
	}
}

var errTooMany = message.Errorf(message.Busy, "too many UDP flows are open")

// makeRoom closes what is over when there are too many, and then the one that was idle for longest.
func (t *Table) makeRoom() {
	now := t.now()
	t.mu.Lock()
	full := len(t.flows) > t.Limit
	look := full && now.Sub(t.reaped) >= reapPause
	if look {
		t.reaped = now
	}
	t.mu.Unlock()
	if look {
		t.sweep(0)
	}
	for full {
		oldest := (*flow)(nil)
		for _, f := range t.all(func(*flow) bool { return true }) {
			if oldest == nil || f.last.Load() < oldest.last.Load() {
				oldest = f
			}
		}
		t.mu.Lock()
		full = len(t.flows) > t.Limit
		t.mu.Unlock()
		if !full || oldest == nil {
			return
		}
		t.close(oldest, errTooMany)
	}
}
