package netstack

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Conn is a TCP connection of the stack. Reads and writes are for one goroutine each; the rest may be
// called at any time.
type Conn struct {
	ep     tcpip.Endpoint
	queue  *waiter.Queue
	local  netip.AddrPort
	remote netip.AddrPort
	closed atomic.Bool

	readable, writable readiness
}

var _ net.Conn = (*Conn)(nil)

func newConn(ep tcpip.Endpoint, queue *waiter.Queue) *Conn {
	c := &Conn{ep: ep, queue: queue}
	if local, err := ep.GetLocalAddress(); err == nil {
		c.local = addrPort(local)
	}
	if remote, err := ep.GetRemoteAddress(); err == nil {
		c.remote = addrPort(remote)
	}
	c.readable.init(queue, waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr)
	c.writable.init(queue, waiter.WritableEvents|waiter.EventHUp|waiter.EventErr)
	return c
}

// readiness is one registration with an endpoint for the connection's whole life: registering for each
// wait would take the queue's lock twice and allocate.
type readiness struct {
	entry waiter.Entry
	ready chan struct{}
}

func (r *readiness) init(queue *waiter.Queue, mask waiter.EventMask) {
	r.entry, r.ready = waiter.NewChannelEntry(mask)
	queue.EventRegister(&r.entry)
}

// Read reads at least one byte. io.EOF is the peer's FIN; a reset is an *Error of ECONNRESET.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.TryRead(p)
		if n > 0 || err != nil {
			return n, err
		}
		<-c.readable.ready
	}
}

// TryRead reads what has arrived; 0, nil means nothing yet.
func (c *Conn) TryRead(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	dst := tcpip.SliceWriter(p)
	result, err := c.ep.Read(&dst, tcpip.ReadOptions{})
	switch err.(type) {
	case nil:
		c.ep.ModerateRecvBuf(result.Count)
		return result.Count, nil
	case *tcpip.ErrWouldBlock:
		return 0, nil
	case *tcpip.ErrClosedForReceive:
		if !c.closed.Load() {
			return 0, io.EOF
		}
	}
	return 0, c.error("read", err)
}

// AwaitReadable waits until TryRead may have something: bytes, the end or an error.
func (c *Conn) AwaitReadable() { <-c.readable.ready }

// Write writes all of p unless it fails.
func (c *Conn) Write(p []byte) (int, error) {
	var r bytes.Reader
	written := 0
	for written < len(p) {
		r.Reset(p[written:])
		n, err := c.WriteFrom(&r)
		written += int(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// WriteFrom waits for room and moves bytes of p, at most p.Len(), straight into the stack's buffers. It
// returns how many; an error of p's own Read makes it fail with EIO, so p keeps its error.
func (c *Conn) WriteFrom(p tcpip.Payloader) (int64, error) {
	for {
		n, err := c.ep.Write(p, tcpip.WriteOptions{})
		switch err.(type) {
		case nil:
			return n, nil
		case *tcpip.ErrWouldBlock:
			<-c.writable.ready
		default:
			return n, c.error("write", err)
		}
	}
}

// error maps err. What we closed ourselves is said so, whatever the endpoint makes of it.
func (c *Conn) error(op string, err tcpip.Error) error {
	if c.closed.Load() {
		return &Error{Op: op, Remote: c.remote, Errno: syscall.ECONNABORTED, reason: "closed by us"}
	}
	return newError(op, c.remote, err)
}

// CloseRead makes reads end; what arrives from then on is answered with a reset.
func (c *Conn) CloseRead() error { return c.shutdown(tcpip.ShutdownRead) }

// CloseWrite sends FIN after what was written.
func (c *Conn) CloseWrite() error { return c.shutdown(tcpip.ShutdownWrite) }

func (c *Conn) shutdown(flags tcpip.ShutdownFlags) error {
	if err := c.ep.Shutdown(flags); err != nil {
		return c.error("shutdown", err)
	}
	return nil
}

// Abort sends RST and forgets what was not sent. Reads and writes under way fail.
func (c *Conn) Abort() {
	if !c.closed.Swap(true) {
		c.ep.Abort()
		c.release()
	}
}

// Close sends FIN after what was written, or RST when bytes of the peer were left unread.
func (c *Conn) Close() error {
	if !c.closed.Swap(true) {
		c.ep.Close()
		c.release()
	}
	return nil
}

// release wakes whoever waits. The entries go with the endpoint.
func (c *Conn) release() {
	for _, r := range []*readiness{&c.readable, &c.writable} {
		c.queue.EventUnregister(&r.entry)
		select {
		case r.ready <- struct{}{}:
		default:
		}
	}
}

// Local returns our address.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote returns the peer's address.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

func (c *Conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline is not supported: who waits for a connection ends it with Abort.
func (c *Conn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *Conn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *Conn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
