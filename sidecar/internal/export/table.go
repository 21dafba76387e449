// Package export serves listeners of this host to the tailnet: docs/sidecar-channel.md, "export".
package export

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/sourceport"
)

// Host is what exports need of the node and of Node.
type Host interface {
	// Listen returns the stack while the node runs, and the node's own addresses.
	Listen() (*netstack.Stack, []netip.Addr, error)
	// Own reports whether addr is one of the node's own, and not of a service that it hosts.
	Own(addr netip.Addr) bool
	// Service has the node host a Tailscale Service until it is withdrawn, and returns its addresses.
	Service(ctx context.Context, name string) (addrs []netip.Addr, withdraw func(), err error)
	// Holder says what of the node's own has a port of the tailnet, "" for nothing.
	Holder(ctx context.Context, port uint16) string
	// Peer returns who has an address of the tailnet, nil for nobody.
	Peer(addr netip.Addr) *peers.Peer
	// Ask returns why a connection is denied.
	Ask(ctx context.Context, question message.Ask) error
	// Board is nil when no program maps one.
	Board() *board.Board
	// Carry carries both ways and returns when the connection has ended. It is told of connections that were let in.
	Carry(connection *Connection)
	// Tell is told how an export does.
	Tell(state message.ExportState)
}

// Table is the exports of a session.
type Table struct {
	host  Host
	dials *sourceport.Dialer
	// now is the clock of what is idle.
	now  func() time.Time
	pool *datagram.Pool
	// ctx ends with the table.
	ctx    context.Context
	cancel context.CancelCauseFunc
	tasks  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	last   message.ID
	byID   map[message.ID]*export
	// ending are those that have ended while connections of theirs go on.
	ending map[message.ID]*export
}

// New returns a table without exports.
func New(host Host) *Table {
	t := &Table{
		host: host, dials: sourceport.New(), now: time.Now, pool: datagram.NewPool(),
		byID: map[message.ID]*export{}, ending: map[message.ID]*export{},
	}
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	return t
}

var errClosed = message.Errorf(message.NotConnected, "the node was stopped")

// Open begins an export.
func (t *Table) Open(ctx context.Context, params message.Export) (message.ExportResult, error) {
	params.Network = cmp.Or(params.Network, message.NetworkTCP)
	targets, err := parseTargets(params.Targets)
	if err == nil && params.Network == message.NetworkUDP {
		err = checkUDP(params)
	}
	if err != nil {
		return message.ExportResult{}, err
	}
	stack, addresses, err := t.host.Listen()
	if err != nil {
		return message.ExportResult{}, err
	}
	// What the node itself has is of TCP.
	if params.Service == "" && params.Network == message.NetworkTCP {
		if holder := t.host.Holder(ctx, uint16(params.Port)); holder != "" {
			return message.ExportResult{}, message.Errorf(message.Busy, "port %d of the tailnet is %s", params.Port, holder)
		}
	}
	e, err := t.add(params, targets)
	if err != nil {
		return message.ExportResult{}, err
	}
	// At whatever addresses the node has and will have. A service's are others.
	listened := []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	if params.Service != "" {
		var withdraw func()
		if addresses, withdraw, err = t.host.Service(ctx, params.Service); err != nil {
			t.remove(e)
			return message.ExportResult{}, err
		}
		e.hosts(withdraw)
		listened = addresses
	}
	if params.Network == message.NetworkUDP {
		t.endFormer(params.Port)
		err = e.take(stack)
	} else {
		err = e.listen(stack, listened)
	}
	if err != nil {
		t.remove(e)
		return message.ExportResult{}, err
	}
	t.tasks.Go(func() {
		e.report()
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.ending, e.id)
	})
	result := message.ExportResult{Export: e.id}
	for _, addr := range addresses {
		result.Addresses = append(result.Addresses, netip.AddrPortFrom(addr, uint16(params.Port)).String())
	}
	return result, nil
}

// add gives an export its number and its port.
func (t *Table) add(params message.Export, targets targets) (*export, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosed
	}
	for _, other := range t.byID {
		if other.params.Port == params.Port && other.params.Network == params.Network && other.params.Service == params.Service {
			return nil, message.Errorf(message.Busy, "%s of %s is %s already",
				portOf(params), cmp.Or(params.Service, "the tailnet"), other.describe())
		}
	}
	t.last++
	e := newExport(t, t.last, params, targets)
	t.byID[e.id] = e
	return e, nil
}

func (t *Table) remove(e *export) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, e.id)
}

// portOf names a port as commands do: one of TCP is just its number.
func portOf(params message.Export) string {
	if params.Network == message.NetworkUDP {
		return fmt.Sprintf("port %d/udp", params.Port)
	}
	return fmt.Sprintf("port %d", params.Port)
}

func (e *export) describe() string {
	if e.params.Run == "" {
		return fmt.Sprintf("export %d", e.id)
	}
	return fmt.Sprintf("export %d of run %.60q", e.id, e.params.Run)
}

// Retarget has connections from now on forwarded elsewhere.
func (t *Table) Retarget(id message.ID, texts []string) error {
	targets, err := parseTargets(texts)
	if err != nil {
		return err
	}
	t.mu.Lock()
	e := t.byID[id]
	t.mu.Unlock()
	if e == nil {
		return message.Errorf(message.Aborted, "export %d has ended", id)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.targets, e.params.Targets = targets, texts
	return nil
}

// Close ends an export, if there is one. With drain its connections go on; one that was drained before is ended without.
func (t *Table) Close(id message.ID, drain bool) {
	t.mu.Lock()
	e := cmp.Or(t.byID[id], t.ending[id])
	if e != nil {
		t.ending[id] = e
	}
	t.mu.Unlock()
	if e == nil {
		return
	}
	// First the listeners: whoever hears that it is closed may export the port again.
	e.end(drain, message.Errorf(message.Aborted, "export %d has ended", id))
	t.remove(e)
}

// EndRun ends the exports of a run.
func (t *Table) EndRun(run string) {
	for _, e := range t.all() {
		if e.params.Run == run {
			t.Close(e.id, false)
		}
	}
}

// List returns the exports, the oldest first.
func (t *Table) List() []message.Exported {
	listed := []message.Exported{}
	for _, e := range t.all() {
		listed = append(listed, e.exported())
	}
	return listed
}

func (t *Table) all() []*export {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*export, 0, len(t.byID))
	for _, e := range t.byID {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *export) int { return cmp.Compare(a.id, b.id) })
	return all
}

// End ends all exports. Connections that were drained are the host's to reset.
func (t *Table) End() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cancel(errClosed)
	for _, e := range t.all() {
		t.Close(e.id, false)
	}
}

// Wait waits, after End, for what is under way.
func (t *Table) Wait() { t.tasks.Wait() }
