// Package processors says how much of the machine a node takes.
package processors

import (
	"os"
	"runtime"
	"time"
)

// LeaveHalf has this process run on half of the processors at once, but for who has set GOMAXPROCS, and while bytes come in bulk. The other half
// is the programs' that the node serves: a packet goes through half a dozen goroutines, and each that is woken on a processor of its own takes that
// from the program which waits for it. On two processors a connect took a quarter less time so, and half a hundred at once were a third more
// (docs/decisions/010).
func LeaveHalf() {
	all := runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") != "" || half(all) == all {
		return
	}
	set := func(processors int) { runtime.GOMAXPROCS(processors) }
	set(half(all))
	receiving.Store(&bulk{
		half: half(all), all: all, set: set,
		after: func(d time.Duration, look func()) { time.AfterFunc(d, look) },
	})
}

func half(processors int) int { return max(1, processors/2) }
