package netstack

import (
	"net"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// backlog is how many connections may wait to be accepted, or be half open. Above that gVisor answers with SYN cookies, and
// then resets a connection whose first two segments come close together: 2 of 1,000 with 128 of them and 200 at once.
const backlog = 1_024

// Listener accepts TCP connections of the tailnet.
type Listener struct {
	stack  *Stack
	ep     tcpip.Endpoint
	queue  *waiter.Queue
	entry  waiter.Entry
	ready  chan struct{}
	local  netip.AddrPort
	closed chan struct{}
	once   sync.Once
	// arrived is where connections come from that have no endpoint to listen for them: see beside.
	arrived chan *Conn
}

var _ net.Listener = (*Listener)(nil)

// ListenTCP listens on local; port 0 lets the stack choose, an unspecified address is every address of that family.
func (s *Stack) ListenTCP(local netip.AddrPort) (*Listener, error) {
	queue := new(waiter.Queue)
	ep, terr := s.stack.NewEndpoint(tcp.ProtocolNumber, protocolOf(local.Addr()), queue)
	if terr != nil {
		return nil, newError("listen", local, terr)
	}
	// Also while connections of an earlier listener are open. Two listeners are kept apart
	// below: with it the stack would take both.
	ep.SocketOptions().SetReuseAddress(true)
	ep.SocketOptions().SetV6Only(true)
	address := fullAddress(local)
	if local.Addr().IsUnspecified() {
		address.Addr = tcpip.Address{}
	}
	if terr = ep.Bind(address); terr == nil {
		terr = ep.Listen(backlog)
	}
	if terr != nil {
		ep.Close()
		if _, taken := terr.(*tcpip.ErrPortInUse); taken && local.Addr().IsUnspecified() {
			return s.listenBeside(local)
		}
		return nil, newError("listen", local, terr)
	}
	l := &Listener{stack: s, ep: ep, queue: queue, local: local, closed: make(chan struct{})}
	if bound, err := ep.GetLocalAddress(); err == nil {
		l.local = netip.AddrPortFrom(local.Addr(), bound.Port)
	}
	if !s.listening.add(l.local) {
		ep.Close()
		return nil, newError("listen", local, &tcpip.ErrPortInUse{})
	}
	l.entry, l.ready = waiter.NewChannelEntry(waiter.ReadableEvents)
	queue.EventRegister(&l.entry)
	return l, nil
}

// AcceptTCP waits for the next connection; net.ErrClosed after Close.
func (l *Listener) AcceptTCP() (*Conn, error) {
	if l.arrived != nil {
		select {
		case c := <-l.arrived:
			return c, nil
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	for {
		ep, queue, terr := l.ep.Accept(nil)
		switch terr.(type) {
		case nil:
			tune(ep)
			return newConn(ep, queue), nil
		case *tcpip.ErrWouldBlock:
		default:
			select {
			case <-l.closed:
				return nil, net.ErrClosed
			default:
				return nil, newError("accept", l.local, terr)
			}
		}
		select {
		case <-l.ready:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Accept is AcceptTCP.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Close stops listening; connections that wait to be accepted are reset.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		if l.arrived == nil {
			l.queue.EventUnregister(&l.entry)
			l.ep.Close()
		} else {
			l.stack.beside.remove(l)
		}
		l.stack.listening.remove(l.local)
	})
	return nil
}

// listening are the addresses that have a listener.
type listening struct {
	mu        sync.Mutex
	addresses map[netip.AddrPort]bool
}

func (l *listening) add(address netip.AddrPort) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.addresses[address] {
		return false
	}
	if l.addresses == nil {
		l.addresses = map[netip.AddrPort]bool{}
	}
	l.addresses[address] = true
	return true
}

func (l *listening) remove(address netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.addresses, address)
}

func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }
