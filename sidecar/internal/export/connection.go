package export

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// Connection is one from the tailnet that was let in. Of UDP it is the datagrams of one address and port of a peer with one address of
// ours.
type Connection struct {
	Export  message.ID
	Network message.Network
	Run     string
	// Remote is the peer's address, Local ours.
	Remote, Local netip.AddrPort
	// Peer is nil when nobody is known to have that address.
	Peer *peers.Peer
	// Started is when it was accepted, Dialled when the listener had it.
	Started, Dialled time.Time
	// Program is the side of the listener. There are no sides for datagrams.
	Program, Tailnet splice.Side
	// Datagrams is nil for a connection of TCP.
	Datagrams *datagram.Pair
	Counters  splice.Counters

	table *Table
	mu    sync.Mutex
	cut   error
}

// Reset cuts both sides. It may be called before there is a listener's side.
func (c *Connection) Reset(reason error) {
	c.mu.Lock()
	if c.cut == nil {
		c.cut = reason
	}
	program, datagrams := c.Program, c.Datagrams
	c.mu.Unlock()
	if datagrams != nil {
		datagrams.Close()
	}
	if program != nil {
		program.Abort()
	}
	if c.Tailnet != nil {
		c.Tailnet.Abort()
	}
}

// Cut returns why it was reset by us, nil when it was not.
func (c *Connection) Cut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

// join gives the connection its other side, unless it was reset.
func (c *Connection) join(program splice.Side) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut == nil {
		c.Program = program
	}
	return c.cut
}

// CarryDatagrams carries both ways and returns when nobody does any more.
func (c *Connection) CarryDatagrams() { c.Datagrams.Carry(c.table.pool, c.table.now) }

// pair gives datagrams both their sides, unless they were reset.
func (c *Connection) pair(sides *datagram.Pair) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut == nil {
		c.Datagrams = sides
	}
	return c.cut
}

// dialLimit is how long a listener that has no place for a connection is waited for.
const dialLimit = 30 * time.Second

// serve lets a connection in, or not, and carries it.
func (e *export) serve(conn *netstack.Conn) {
	c := &Connection{
		Export:  e.id,
		Network: message.NetworkTCP,
		Run:     e.params.Run,
		Remote:  conn.Remote(),
		Local:   conn.Local(),
		Peer:    e.table.host.Peer(conn.Remote().Addr()),
		Started: time.Now(),
		Tailnet: splice.Stack{Conn: conn},
	}
	if err := e.admit(c); err != nil {
		e.refuse(conn, err)
		return
	}
	if !e.enter(c) {
		conn.Abort()
		return
	}
	defer e.leave(c)
	ctx, cancel := context.WithTimeoutCause(e.table.ctx, dialLimit, message.Errorf(message.TimedOut,
		"nothing on this host took the connection within %v", dialLimit))
	program, err := e.connect(ctx, c)
	cancel()
	if err != nil {
		conn.Abort()
		if c.Cut() == nil {
			e.fail(err)
		}
		return
	}
	if err := c.join(program); err != nil {
		program.Abort()
		return
	}
	c.Dialled = time.Now()
	e.fail(nil)
	e.table.host.Carry(c)
}
