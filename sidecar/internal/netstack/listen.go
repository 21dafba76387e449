package netstack

import (
	"net"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// backlog is how many connections may wait to be accepted.
const backlog = 128

// Listener accepts TCP connections of the tailnet.
type Listener struct {
	ep     tcpip.Endpoint
	queue  *waiter.Queue
	entry  waiter.Entry
	ready  chan struct{}
	local  netip.AddrPort
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// ListenTCP listens on local; port 0 lets the stack choose, an unspecified address is every address of that family.
func (s *Stack) ListenTCP(local netip.AddrPort) (*Listener, error) {
	queue := new(waiter.Queue)
	ep, terr := s.stack.NewEndpoint(tcp.ProtocolNumber, protocolOf(local.Addr()), queue)
	if terr != nil {
		return nil, newError("listen", local, terr)
	}
	address := fullAddress(local)
	if local.Addr().IsUnspecified() {
		address.Addr = tcpip.Address{}
	}
	if terr = ep.Bind(address); terr == nil {
		terr = ep.Listen(backlog)
	}
	if terr != nil {
		ep.Close()
		return nil, newError("listen", local, terr)
	}
	l := &Listener{ep: ep, queue: queue, local: local, closed: make(chan struct{})}
	if bound, err := ep.GetLocalAddress(); err == nil {
		l.local = netip.AddrPortFrom(local.Addr(), bound.Port)
	}
	l.entry, l.ready = waiter.NewChannelEntry(waiter.ReadableEvents)
	queue.EventRegister(&l.entry)
	return l, nil
}

// AcceptTCP waits for the next connection; net.ErrClosed after Close.
func (l *Listener) AcceptTCP() (*Conn, error) {
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
		l.queue.EventUnregister(&l.entry)
		l.ep.Close()
	})
	return nil
}

func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }
