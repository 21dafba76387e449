package socks

import (
	"io"
	"time"
)

const (
	// lastWordsLimit is how long a client may take to accept the last words.
	lastWordsLimit = 5 * time.Second
	// drainLimit is how long a client that was told to go may take.
	drainLimit = time.Second
)

func (c *Client) write(p []byte) {
	if len(p) == 0 {
		return
	}
	c.host.Conn().SetWriteDeadline(time.Now().Add(lastWordsLimit))
	c.host.Conn().Write(p)
}

// close writes the last words and closes in order.
func (c *Client) close(words []byte) {
	c.end()
	c.write(words)
	// Bytes that nobody read would turn the close into a reset, and a reset takes the words back.
	c.host.CloseWrite()
	c.Through()
	c.drain()
	c.host.Close()
}

// CloseEarly closes a client that no decision is due for. It does nothing when the client has ended.
func (c *Client) CloseEarly(words []byte) {
	if !c.end() {
		c.write(words)
		c.host.Abort()
		c.Through()
	}
}

func (c *Client) drain() {
	conn := c.host.Conn()
	conn.SetReadDeadline(time.Now().Add(drainLimit))
	io.Copy(io.Discard, io.LimitReader(conn, maxHandshake))
}

// Reset cuts the client.
func (c *Client) Reset() {
	c.end()
	c.host.Abort()
	c.Through()
}

// Ended reports whether the client was closed or reset.
func (c *Client) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// end makes later decisions void. It reports whether the client had ended before.
func (c *Client) end() (before bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.ended = c.ended, true
	return before
}
