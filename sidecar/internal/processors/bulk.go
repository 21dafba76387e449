package processors

import (
	"sync/atomic"
	"time"
)

const (
	// interval is over how long bytes are counted.
	interval = 100 * time.Millisecond
	// bulkBytes is what comes in an interval, for each processor of the half, when it comes in bulk: a quarter of what
	// one carries. With less than that nobody waits for the other half.
	bulkBytes = 3 << 20
	// calmIntervals is for how long less must come until the other half is left again. Each change stops all goroutines
	// for a tenth of a millisecond, and what pauses between two files goes on.
	calmIntervals = 5
)

// bulk takes all processors while bytes come in bulk, and half of them else.
type bulk struct {
	half, all int
	set       func(processors int)
	after     func(time.Duration, func())

	came    atomic.Uint64
	watched atomic.Bool // whether look is due

	// Of look.
	taken bool
	calm  int
}

// receiving is nil while the number of processors is not ours to change.
var receiving atomic.Pointer[bulk]

// Received is told of bytes that came from the tailnet. Who sends to us in bulk keeps the processors of another machine, and opening
// what comes is more than half of a small machine does beside that. What we send is not faster with all of them.
func Received(bytes int) {
	if b := receiving.Load(); b != nil {
		b.add(bytes)
	}
}

// add has no timer run while nothing comes.
func (b *bulk) add(bytes int) {
	b.came.Add(uint64(bytes))
	if !b.watched.Load() && b.watched.CompareAndSwap(false, true) {
		b.after(interval, b.look)
	}
}

// look is once an interval until one has passed in which nothing came. Bytes that come just then wait for the next ones to be
// counted, without which they are no bulk.
func (b *bulk) look() {
	switch came := b.came.Swap(0); {
	case came >= uint64(b.half*bulkBytes):
		b.calm = 0
		b.take(true)
	case b.taken:
		if b.calm++; b.calm == calmIntervals {
			b.take(false)
		}
	case came == 0:
		b.watched.Store(false)
		return
	}
	b.after(interval, b.look)
}

func (b *bulk) take(all bool) {
	if all == b.taken {
		return
	}
	b.taken = all
	if all {
		b.set(b.all)
	} else {
		b.set(b.half)
	}
}
