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
	// Bind, if not nil, has cut called when the far side must not be used any more, and returns what takes that back. The next
	// datagram opens another.
	Bind func(cut func(cause error)) (unbind func())
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
	// unbind is what Bind returned.
	unbind atomic.Pointer[func()]
}

func newFar(opened Opened) *far {
	if opened.Counters == nil {
		opened.Counters = new(splice.Counters)
	}
	return &far{Opened: opened}
}

// bind has the far side closed when it must not be used any more. Whoever reads from it finds out by that.
func (f *far) bind() {
	if f.Bind == nil {
		return
	}
	unbind := f.Bind(f.close)
	f.unbind.Store(&unbind)
	if f.closed.Load() {
		unbind()
	}
}

func (f *far) close(err error) {
	if f.closed.Swap(true) {
		return
	}
	if unbind := f.unbind.Load(); unbind != nil {
		(*unbind)()
	}
	f.Remote.Close()
	if f.Closed != nil {
		f.Closed(err)
	}
}
