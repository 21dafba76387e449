package processors

import (
	"testing"
	"time"
)

// watch is a bulk on four processors whose time the test passes.
type watch struct {
	*bulk
	now int
	due func()
}

func newWatch(t *testing.T) *watch {
	w := &watch{now: 2}
	w.bulk = &bulk{
		half: 2, all: 4,
		set: func(processors int) { w.now = processors },
		after: func(_ time.Duration, look func()) {
			if w.due != nil {
				t.Error("two timers run")
			}
			w.due = look
		},
	}
	return w
}

// pass has bytes come in one interval and returns how many processors are taken at its end.
func (w *watch) pass(bytes int) int {
	w.add(bytes / 2)
	w.add(bytes - bytes/2)
	w.tick()
	return w.now
}

func (w *watch) tick() {
	look := w.due
	w.due = nil
	look()
}

func TestAllAreTakenWhileBytesComeInBulk(t *testing.T) {
	w := newWatch(t)
	if now := w.pass(2*bulkBytes - 1); now != 2 {
		t.Errorf("less than bulk took %d processors", now)
	}
	if now := w.pass(2 * bulkBytes); now != 4 {
		t.Errorf("bulk took %d processors", now)
	}
	for range 3 {
		for range calmIntervals - 1 {
			if now := w.pass(1); now != 4 {
				t.Errorf("a pause left all but %d processors", now)
			}
		}
		w.pass(2 * bulkBytes)
	}
	for range calmIntervals {
		w.pass(1)
	}
	if w.now != 2 {
		t.Errorf("after the bulk %d processors are taken", w.now)
	}
	if now := w.pass(2 * bulkBytes); now != 4 {
		t.Errorf("more bulk took %d processors", now)
	}
}

func TestNoTimerRunsWhileNothingComes(t *testing.T) {
	w := newWatch(t)
	if w.due != nil {
		t.Error("one runs before anything came")
	}
	w.pass(2 * bulkBytes)
	for range calmIntervals {
		w.tick()
	}
	if w.now != 2 {
		t.Errorf("when nothing came any more %d processors are taken", w.now)
	}
	w.tick()
	if w.due != nil {
		t.Error("one runs when nothing comes any more")
	}
	if now := w.pass(2 * bulkBytes); now != 4 {
		t.Errorf("bulk after a rest took %d processors", now)
	}
}
