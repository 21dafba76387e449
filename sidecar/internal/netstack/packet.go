package netstack

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync/atomic"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	// packetReceiveBuffer is what a UDP endpoint holds unread before it drops, in bytes of payload: at a gigabit, what
	// comes in 4 ms.
	packetReceiveBuffer = 512 << 10
	// packetSendBuffer is what waits for WireGuard before a writer waits. The host's sockets have as much.
	packetSendBuffer = 208 << 10
)

// PacketConn is a connected UDP endpoint of the stack. Reads and writes are for one goroutine each; the rest may be
// called at any time.
type PacketConn struct {
	ep     tcpip.Endpoint
	queue  *waiter.Queue
	local  netip.AddrPort
	remote netip.AddrPort
	limit  int
	closed atomic.Bool

	readable, writable readiness

	// Of the one reader and of the one writer: given to the endpoint as interfaces, which would move a new one to the
	// heap for each datagram.
	into tcpip.SliceWriter
	from bytes.Reader
}

// DialUDP returns an endpoint with a port of the stack's choice that is connected to remote. Nothing is sent.
func (s *Stack) DialUDP(remote netip.AddrPort) (*PacketConn, error) {
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	queue := new(waiter.Queue)
	ep, err := s.stack.NewEndpoint(udp.ProtocolNumber, protocolOf(remote.Addr()), queue)
	if err != nil {
		return nil, newError("dial", remote, err)
	}
	if err := ep.Connect(fullAddress(remote)); err != nil {
		ep.Close()
		return nil, newError("dial", remote, err)
	}
	var local netip.AddrPort
	if address, err := ep.GetLocalAddress(); err == nil {
		local = addrPort(address)
	}
	return newPacketConn(ep, queue, remote, local), nil
}

// newPacketConn takes an endpoint over that is connected.
func newPacketConn(ep tcpip.Endpoint, queue *waiter.Queue, remote, local netip.AddrPort) *PacketConn {
	options := ep.SocketOptions()
	options.SetReceiveBufferSize(packetReceiveBuffer, false)
	options.SetSendBufferSize(packetSendBuffer, false)
	c := &PacketConn{ep: ep, queue: queue, remote: remote, local: local, limit: maxDatagram(remote.Addr())}
	c.readable.init(queue, waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr)
	c.writable.init(queue, waiter.WritableEvents|waiter.EventHUp)
	return c
}

// maxDatagram is the largest payload: what the 16 bits of a length leave beside the headers. IPv4 counts its own.
func maxDatagram(addr netip.Addr) int {
	const longest = 1<<16 - 1
	if addr.Is4() {
		return longest - header.UDPMinimumSize - header.IPv4MinimumSize
	}
	return longest - header.UDPMinimumSize
}

// TryRead reads one datagram if one has arrived; false means that none has. What does not fit into p is lost, as with
// recv(2). An *Error of ECONNREFUSED is the peer's ICMP: it says so once, and the endpoint can be used on.
func (c *PacketConn) TryRead(p []byte) (n int, ok bool, err error) {
	c.into = p
	result, terr := c.ep.Read(&c.into, tcpip.ReadOptions{})
	c.into = nil
	switch terr.(type) {
	case nil:
		return result.Count, true, nil
	case *tcpip.ErrWouldBlock:
		return 0, false, nil
	case *tcpip.ErrBadBuffer:
		// Nothing fitted, so there is nothing to tell from an empty datagram.
		return 0, true, nil
	}
	return 0, false, c.error("read", terr)
}

// AwaitReadable waits until TryRead may have something: a datagram, an error or the end.
func (c *PacketConn) AwaitReadable() { <-c.readable.ready }

// Write sends p as one datagram, in fragments if it must be, and waits while too many wait for WireGuard. Like TryRead
// it tells of the peer's ICMP once; p is not sent then.
func (c *PacketConn) Write(p []byte) error {
	if len(p) > c.limit {
		return &Error{
			Op: "write", Remote: c.remote, Errno: syscall.EMSGSIZE,
			reason: fmt.Sprintf("a datagram of %d bytes is longer than %d", len(p), c.limit),
		}
	}
	for {
		c.from.Reset(p)
		_, terr := c.ep.Write(&c.from, tcpip.WriteOptions{})
		switch terr.(type) {
		case nil:
			return nil
		case *tcpip.ErrWouldBlock:
			<-c.writable.ready
		default:
			return c.error("write", terr)
		}
	}
}

// error maps err. What we closed ourselves is said so, whatever the endpoint makes of it.
func (c *PacketConn) error(op string, err tcpip.Error) error {
	if c.closed.Load() {
		return &Error{Op: op, Remote: c.remote, Errno: syscall.ECONNABORTED, reason: "closed by us"}
	}
	return newError(op, c.remote, err)
}

// Close ends the endpoint. Whoever reads or writes is woken.
func (c *PacketConn) Close() {
	if c.closed.Swap(true) {
		return
	}
	c.ep.Close()
	for _, r := range []*readiness{&c.readable, &c.writable} {
		c.queue.EventUnregister(&r.entry)
		select {
		case r.ready <- struct{}{}:
		default:
		}
	}
}

// Local returns our address.
func (c *PacketConn) Local() netip.AddrPort { return c.local }

// Remote returns the peer's address.
func (c *PacketConn) Remote() netip.AddrPort { return c.remote }
