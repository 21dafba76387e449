package export

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// export is one port of the tailnet.
type export struct {
	table *Table
	id    message.ID
	// ctx ends with the export; what asks or dials for it then gives up.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// dirty has something when the state may have changed.
	dirty   chan struct{}
	refused atomic.Uint64
	// places counts the connections that there are or that may be let in.
	places atomic.Int64

	mu        sync.Mutex
	params    message.Export
	targets   targets
	listeners []*netstack.Listener
	// arrivals are there for UDP.
	arrivals *arrivals
	// withdraw ends the offer of the export's service, if it has one.
	withdraw func()
	ended    bool
	accepted uint64
	open     map[*Connection]struct{}
	up, down uint64 // of closed ones
	lost     uint64
	failure  *message.Error
}

func newExport(t *Table, id message.ID, params message.Export, targets targets) *export {
	e := &export{
		table: t, id: id, params: params, targets: targets,
		dirty: make(chan struct{}, 1), open: map[*Connection]struct{}{},
	}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	return e
}

// listen opens the port at some addresses.
func (e *export) listen(stack *netstack.Stack, addresses []netip.Addr) error {
	for _, addr := range addresses {
		listener, err := stack.ListenTCP(netip.AddrPortFrom(addr, uint16(e.params.Port)))
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			err = message.Errorf(message.Busy, "port %d of %v is taken: %w", e.params.Port, addr, err)
		case err == nil && !e.keep(listener):
			listener.Close()
			err = context.Cause(e.ctx)
		}
		if err != nil {
			e.end(false, err)
			return err
		}
		e.table.tasks.Go(func() { e.accept(listener) })
	}
	return nil
}

func (e *export) keep(listener *netstack.Listener) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended {
		e.listeners = append(e.listeners, listener)
	}
	return !e.ended
}

// accept takes connections and waits for none of them: the stack drops what is not accepted soon.
func (e *export) accept(listener *netstack.Listener) {
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return // it was closed, or the stack was
		}
		if e.params.Service == "" && !e.table.host.Own(conn.Local().Addr()) {
			// It came to the address of a service, which has ports of its own.
			conn.Abort()
			continue
		}
		if e.places.Add(1) > int64(e.params.MaxConnections) {
			e.places.Add(-1)
			e.refuse(conn, message.Errorf(message.Busy, "export %d has %d connections, which is its maximum", e.id, e.params.MaxConnections))
			continue
		}
		e.table.tasks.Go(func() {
			defer e.places.Add(-1)
			e.serve(conn)
		})
	}
}

func (e *export) refuse(conn *netstack.Conn, reason error) {
	conn.Abort()
	e.refused.Add(1)
	e.fail(reason)
}

// fail keeps why a connection was not forwarded; nil is that the last one was.
func (e *export) fail(reason error) {
	e.mu.Lock()
	e.failure = message.FromError(reason)
	e.mu.Unlock()
	e.changed()
}

// end stops listening. Connections go on when they are drained, and are reset else.
func (e *export) end(drain bool, reason error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	for _, listener := range e.listeners {
		listener.Close()
	}
	e.listeners = nil
	if e.arrivals != nil {
		e.arrivals.close()
	}
	if !drain {
		for connection := range e.open {
			connection.Reset(reason)
		}
	}
	e.cancel(reason)
	e.withdrawLocked()
}

// hosts has a service withdrawn at the export's end.
func (e *export) hosts(withdraw func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.withdraw = withdraw
	if e.ended {
		e.withdrawLocked()
	}
}

// withdrawLocked does not wait for the node, which is asked.
func (e *export) withdrawLocked() {
	if e.withdraw != nil {
		e.table.tasks.Go(e.withdraw)
		e.withdraw = nil
	}
}

// enter counts a connection that is let in; it is false when the export has ended.
func (e *export) enter(c *Connection) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return false
	}
	e.accepted++
	e.open[c] = struct{}{}
	e.changed()
	return true
}

func (e *export) leave(c *Connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, c)
	e.up += c.Counters.Up.Load()
	e.down += c.Counters.Down.Load()
	if c.Datagrams != nil {
		e.lost += c.Datagrams.Lost()
	}
	e.changed()
}

func (e *export) aims() targets {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.targets
}
