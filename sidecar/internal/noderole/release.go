package noderole

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// use is who uses a run beside its flows. The run's mutex guards it.
type use struct {
	// channels are processes that have one, families those that hold a bootstrap.
	channels, families uint64
	// negotiating are SOCKS clients whose dial is under way.
	negotiating uint64
	// up and down are the bytes of flows that are closed.
	up, down uint64
	// unused is closed when nothing of the run is left; nil while nobody waits for that.
	unused chan struct{}
}

// count changes one of the counters of r.use, and returns what takes it back.
func (r *run) count(counter *uint64) (takeBack func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*counter++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		*counter--
		r.lookLocked()
	}
}

// negotiates counts a SOCKS client until through is called for the first time.
func (r *run) negotiates() (through func()) {
	if r == nil {
		return func() {}
	}
	return sync.OnceFunc(r.count(&r.negotiating))
}

func (r *run) usedLocked() bool {
	return len(r.flows) > 0 || r.channels > 0 || r.families > 0 || r.negotiating > 0
}

// lookLocked tells those who wait when nothing is left.
func (r *run) lookLocked() {
	if r.unused != nil && !r.usedLocked() {
		close(r.unused)
		r.unused = nil
	}
}

// await waits until nothing of the run is left, it has ended, or ctx has.
func (r *run) await(ctx context.Context) {
	r.mu.Lock()
	if !r.usedLocked() {
		r.mu.Unlock()
		return
	}
	if r.unused == nil {
		r.unused = make(chan struct{})
	}
	unused := r.unused
	r.mu.Unlock()
	select {
	case <-unused:
	case <-r.ctx.Done():
	case <-ctx.Done():
	}
}

func (r *run) status() message.RunStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	status := message.RunStatus{
		Run:         r.name,
		Processes:   max(r.channels, r.families),
		Flows:       uint64(len(r.flows)),
		Negotiating: r.negotiating,
		BytesUp:     r.up,
		BytesDown:   r.down,
	}
	for f := range r.flows {
		status.BytesUp += f.counters.Up.Load()
		status.BytesDown += f.counters.Down.Load()
	}
	return status
}

// status describes the runs in the order of their names.
func (r *runs) status() []message.RunStatus {
	r.mu.Lock()
	all := make([]*run, 0, len(r.byName))
	for _, one := range r.byName {
		all = append(all, one)
	}
	r.mu.Unlock()
	described := make([]message.RunStatus, 0, len(all))
	for _, one := range all {
		described = append(described, one.status())
	}
	slices.SortFunc(described, func(a, b message.RunStatus) int { return strings.Compare(a.Run, b.Run) })
	return described
}

// release is answered when nothing of a run is left.
func (r *role) release(ctx context.Context, params message.Release) (message.Empty, error) {
	r.runs.mu.Lock()
	waited := r.runs.byName[params.Run]
	r.runs.mu.Unlock()
	if waited != nil {
		// A command may end before what it started has been heard.
		if served := r.dials.Load(); served != nil {
			served.socket.Settle(ctx)
		}
		waited.await(ctx)
	}
	return message.Empty{}, context.Cause(ctx)
}
