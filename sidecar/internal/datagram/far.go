package datagram

import (
	"context"
	"sync/atomic"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// Opened is a far side that was opened for a flow.
type Opened struct {
	Remote Remote
	// Await, if not nil, is waited for before the first datagram is sent. The program does not wait for it.
	Await func(ctx context.Context)
	// Counters, if not nil, count what is carried, in bytes of payload.
	Counters *splice.Counters
	// Closed, if not nil, is told the end, once: nil when nothing was carried for a while, or the program's socket is
	// gone.
	Closed func(error)
}

// far is the far side of a flow while it has one.
type far struct {
	Opened
	awaited bool // of the goroutine that sends
	closed  atomic.Bool
}

func newFar(opened Opened) *far {
	if opened.Counters == nil {
		opened.Counters = new(splice.Counters)
	}
	return &far{Opened: opened}
}

func (f *far) close(err error) {
	if f.closed.Swap(true) {
		return
	}
	f.Remote.Close()
	if f.Closed != nil {
		f.Closed(err)
	}
}
