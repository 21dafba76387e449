package socks

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

const (
	// readSize is the most that is relayed at once, in bytes.
	readSize = 4 << 10
	// maxHandshake is the most a client may send before its dial, in bytes.
	maxHandshake = 64 << 10
)

// Decision is what is to be done with a client after bytes of it were relayed. Exactly one field is set.
type Decision struct {
	// Write is written, and then the client is read on.
	Write *[]byte
	// Close is written, and then the client is closed.
	Close *[]byte
	// Dial runs the client from here on.
	Dial func(c *Client)
}

// Relay is who negotiates with clients.
type Relay interface {
	// Bytes is called with what a client sent; first comes with its first bytes. The client is not read again
	// until it was given one Decision.
	Bytes(c *Client, bytes []byte, first bool)
	// Gone is called at most once, when a client left or had to be cut.
	Gone(c *Client, reason message.GoneReason)
}

// Client is one that negotiates.
type Client struct {
	// ID is the owner's.
	ID message.ID

	host    *splice.Host
	source  netip.AddrPort
	release func()
	once    sync.Once

	deadline  time.Time
	decisions chan Decision

	mu      sync.Mutex
	awaited bool // a decision is due
	dialled bool
	ended   bool
}

func newClient(conn *net.TCPConn, handshake time.Duration, release func()) (*Client, error) {
	host, err := splice.NewHost(conn)
	if err != nil {
		return nil, err
	}
	// Go's accept has set TCP_NODELAY.
	return &Client{
		host:      host,
		source:    conn.RemoteAddr().(*net.TCPAddr).AddrPort(),
		release:   release,
		deadline:  time.Now().Add(handshake),
		decisions: make(chan Decision, 1),
	}, nil
}

// Source returns the client's own address.
func (c *Client) Source() netip.AddrPort { return c.source }

// Host returns the client's connection.
func (c *Client) Host() *splice.Host { return c.host }

// Decide gives the decision that is due. It reports false when none is: nothing was relayed since the last one, or
// the client is gone.
func (c *Client) Decide(d Decision) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.awaited || c.ended || d.Dial != nil && c.dialled {
		return false
	}
	c.awaited = false
	c.dialled = c.dialled || d.Dial != nil
	c.decisions <- d
	return true
}

// Through gives the client's place to the next; it is called when the client is spliced or closed.
func (c *Client) Through() { c.once.Do(c.release) }

// Await makes the next decision due without bytes: after a dial failed.
func (c *Client) Await(ctx context.Context) {
	c.due()
	for {
		select {
		case d := <-c.decisions:
			switch {
			case d.Close != nil:
				c.close(*d.Close)
				return
			case d.Write != nil:
				// The client is not read any more, but words before the last are well.
				c.write(*d.Write)
			}
			c.due()
		case <-ctx.Done():
			c.Reset()
			return
		}
	}
}

func (c *Client) due() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaited = true
}

// Run relays the client until it is closed, gone or handed to a dial. When ctx ends it is reset.
func (c *Client) Run(ctx context.Context, relay Relay) {
	stop := context.AfterFunc(ctx, c.Reset)
	defer stop()
	next := c.negotiate(ctx, relay)
	if next != nil {
		next(c)
	}
	c.end()
}

func (c *Client) negotiate(ctx context.Context, relay Relay) func(*Client) {
	conn := c.host.Conn()
	conn.SetDeadline(c.deadline)
	timer := time.NewTimer(time.Until(c.deadline))
	defer timer.Stop()
	buffer := make([]byte, readSize)
	for total := 0; ; {
		n, err := conn.Read(buffer)
		if err != nil {
			c.gone(ctx, relay, reasonOf(err))
			return nil
		}
		if total+n > maxHandshake {
			c.gone(ctx, relay, message.GoneTooLarge)
			return nil
		}
		c.due()
		relay.Bytes(c, buffer[:n], total == 0)
		total += n
		select {
		case d := <-c.decisions:
			switch {
			case d.Dial != nil:
				conn.SetDeadline(time.Time{})
				return d.Dial
			case d.Close != nil:
				c.close(*d.Close)
				return nil
			case len(*d.Write) > 0:
				if _, err := conn.Write(*d.Write); err != nil {
					c.gone(ctx, relay, reasonOf(err))
					return nil
				}
			}
		case <-timer.C:
			c.gone(ctx, relay, message.GoneTimedOut)
			return nil
		case <-ctx.Done():
			c.Reset()
			return nil
		}
	}
}

func reasonOf(err error) message.GoneReason {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return message.GoneTimedOut
	case errors.Is(err, io.EOF):
		return message.GoneClosed
	case message.CodeOf(err) == message.Aborted:
		return message.GoneClosed
	}
	return message.GoneFailed
}

// gone ends a client that Node has not closed, and tells. A client that left in order is closed in order.
func (c *Client) gone(ctx context.Context, relay Relay, reason message.GoneReason) {
	if c.end() {
		return // Node closed it meanwhile
	}
	if reason == message.GoneClosed {
		c.host.Close()
		c.Through()
	} else {
		c.Reset()
	}
	if ctx.Err() == nil {
		relay.Gone(c, reason)
	}
}
