// Package processors says how much of the machine a node takes.
package processors

import (
	"os"
	"runtime"
)

// LeaveHalf has this process run on half of the processors at once, but for who has set GOMAXPROCS. The other half is the programs' that the
// node serves: a packet goes through half a dozen goroutines, and each that is woken on a processor of its own takes that from the program which
// waits for it. On two processors a connect took a quarter less time so, and half a hundred at once were a third more (docs/decisions/010).
func LeaveHalf() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(half(runtime.GOMAXPROCS(0)))
	}
}

func half(processors int) int { return max(1, processors/2) }
