package export

import (
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// reportPause is how long nothing is told of an export after something was.
const reportPause = 250 * time.Millisecond

// changed says that there may be something to tell. It does not wait.
func (e *export) changed() {
	select {
	case e.dirty <- struct{}{}:
	default: // it will be looked at anyway
	}
}

// report tells how the export does until it has ended and its last connection has: the first change after a pause at once,
// further ones together, and while connections are open what they have carried.
func (e *export) report() {
	told := message.ExportState{Export: e.id}
	done := e.ctx.Done()
	for {
		now, over := e.state()
		news := !same(now, told)
		if news {
			e.table.host.Tell(now)
			told = now
		}
		if over {
			return
		}
		// Bytes pass unsaid, so that open connections are looked at.
		var pause <-chan time.Time
		dirty := e.dirty
		if news || now.Connections > 0 {
			pause = time.After(reportPause)
			if done != nil {
				dirty = nil
			}
		}
		select {
		case <-pause:
		case <-dirty:
		case <-done:
			done = nil
		}
	}
}

// state returns how the export does, and whether it will not change any more.
func (e *export) state() (state message.ExportState, over bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	state = message.ExportState{
		Export:      e.id,
		Connections: uint64(len(e.open)),
		Accepted:    e.accepted,
		Refused:     e.refused.Load(),
		BytesUp:     e.up,
		BytesDown:   e.down,
		Dropped:     e.lost,
		Error:       e.failure,
	}
	for c := range e.open {
		state.BytesUp += c.Counters.Up.Load()
		state.BytesDown += c.Counters.Down.Load()
		if c.Datagrams != nil {
			state.Dropped += c.Datagrams.Lost()
		}
	}
	if e.arrivals != nil {
		state.Dropped += e.arrivals.dropped.Load()
	}
	return state, e.ended && len(e.open) == 0
}

func (e *export) exported() message.Exported {
	state, _ := e.state()
	e.mu.Lock()
	defer e.mu.Unlock()
	return message.Exported{
		Export:      state.Export,
		Connections: state.Connections,
		Accepted:    state.Accepted,
		Refused:     state.Refused,
		BytesUp:     state.BytesUp,
		BytesDown:   state.BytesDown,
		Dropped:     state.Dropped,
		Error:       state.Error,
		Run:         e.params.Run,
		Network:     e.params.Network,
		Port:        e.params.Port,
		Targets:     e.params.Targets,
		Service:     e.params.Service,
	}
}

func same(a, b message.ExportState) bool {
	alike := (a.Error == nil) == (b.Error == nil)
	if a.Error != nil && b.Error != nil {
		alike = a.Error.Code == b.Error.Code && a.Error.Message == b.Error.Message
	}
	a.Error, b.Error = nil, nil
	return alike && a == b
}
