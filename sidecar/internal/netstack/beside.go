package netstack

import (
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// beside are the listeners on ports that connections of ours have. Those connect from a port of their own (portSequence), which
// gVisor then gives to no listener of any address, whoever they are connected to; the kernel would. A program must not fail to
// be reached for that: what comes to such a port, and is no connection's, the stack hands over before it is refused.
type beside struct {
	install sync.Once

	mu        sync.Mutex
	listeners map[netip.AddrPort]*Listener
}

// listenBeside listens on any address.
func (s *Stack) listenBeside(local netip.AddrPort) (*Listener, error) {
	if !s.listening.add(local) {
		return nil, newError("listen", local, &tcpip.ErrPortInUse{})
	}
	l := &Listener{stack: s, local: local, closed: make(chan struct{}), arrived: make(chan *Conn)}
	s.beside.mu.Lock()
	if s.beside.listeners == nil {
		s.beside.listeners = map[netip.AddrPort]*Listener{}
	}
	s.beside.listeners[local] = l
	s.beside.mu.Unlock()
	s.beside.install.Do(func() {
		forwarder := tcp.NewForwarder(s.stack, 0, backlog, s.beside.arrive)
		s.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, forwarder.HandlePacket)
	})
	return l, nil
}

func (b *beside) remove(l *Listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.listeners, l.local)
}

func (b *beside) find(id stack.TransportEndpointID) *Listener {
	address := addrPort(tcpip.FullAddress{Addr: id.LocalAddress, Port: id.LocalPort})
	unspecified := netip.IPv6Unspecified()
	if address.Addr().Is4() {
		unspecified = netip.IPv4Unspecified()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.listeners[netip.AddrPortFrom(unspecified, address.Port())]
}

// arrive runs in a goroutine of its own for each SYN that no endpoint is for.
func (b *beside) arrive(request *tcp.ForwarderRequest) {
	l := b.find(request.ID())
	if l == nil {
		request.Complete(true) // refused, as ever
		return
	}
	queue := new(waiter.Queue)
	ep, err := request.CreateEndpoint(queue)
	request.Complete(err != nil)
	if err != nil {
		return
	}
	tune(ep)
	c := newConn(ep, queue)
	select {
	case l.arrived <- c:
	case <-l.closed:
		c.Abort()
	}
}
