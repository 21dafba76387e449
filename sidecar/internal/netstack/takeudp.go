package netstack

import (
	"net/netip"
	"sync"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// takers are the ports of UDP whose datagrams somebody takes. They have no endpoint: each peer's address and port gets one of its own,
// which is found by all four numbers, so that what the stack does for a flow of a program it does for one that began at the other
// end. A port that a connection of ours has by chance can be taken too, since what comes for that finds its endpoint first.
type takers struct {
	mu     sync.RWMutex
	byPort map[uint16]*Taker
}

// Taker takes what comes to a port, at any address of the stack.
type Taker struct {
	stack *Stack
	port  uint16
	take  func(arrival *Arrival) bool
}

// Arrival is a datagram that no endpoint is for. It is good only while take is called; see Keep.
type Arrival struct {
	stack         *Stack
	id            stack.TransportEndpointID
	packet        *stack.PacketBuffer
	Remote, Local netip.AddrPort
}

// TakeUDP has take called for each datagram to a port that is no endpoint's. Whoever brings packets calls it, at the same time for
// several peers, so it must not wait. What it returns false for is refused by ICMP, as ever.
func (s *Stack) TakeUDP(port uint16, take func(arrival *Arrival) bool) (*Taker, error) {
	t := &Taker{stack: s, port: port, take: take}
	s.takers.mu.Lock()
	defer s.takers.mu.Unlock()
	if s.takers.byPort[port] != nil {
		return nil, newError("listen", netip.AddrPortFrom(netip.IPv6Unspecified(), port), &tcpip.ErrPortInUse{})
	}
	if s.takers.byPort == nil {
		s.takers.byPort = map[uint16]*Taker{}
	}
	s.takers.byPort[port] = t
	return t, nil
}

// Close gives the port back. A call of take that is under way goes on.
func (t *Taker) Close() {
	t.stack.takers.mu.Lock()
	defer t.stack.takers.mu.Unlock()
	if t.stack.takers.byPort[t.port] == t {
		delete(t.stack.takers.byPort, t.port)
	}
}

func (s *Stack) arrive(id stack.TransportEndpointID, packet *stack.PacketBuffer) bool {
	s.takers.mu.RLock()
	t := s.takers.byPort[id.LocalPort]
	s.takers.mu.RUnlock()
	if t == nil {
		return false
	}
	return t.take(&Arrival{
		stack:  s,
		id:     id,
		packet: packet,
		Remote: addrPort(tcpip.FullAddress{Addr: id.RemoteAddress, Port: id.RemotePort}),
		Local:  addrPort(tcpip.FullAddress{Addr: id.LocalAddress, Port: id.LocalPort}),
	})
}

// Length is how many bytes the datagram has.
func (a *Arrival) Length() int { return a.packet.Data().Size() }

// Keep returns an arrival that is good for longer.
func (a *Arrival) Keep() *Arrival {
	kept := *a
	kept.packet = a.packet.Clone()
	return &kept
}

// AcceptUDP makes an endpoint for arrivals of one peer's address and port, which have been kept. It is connected to the peer from the
// address that the peer wrote to, and the arrivals are the first that it reads. They are its own from then on.
func (s *Stack) AcceptUDP(arrivals []*Arrival) (*PacketConn, error) {
	first := arrivals[0]
	queue := new(waiter.Queue)
	made, terr := udp.NewForwarderRequest(s.stack, first.id, first.packet).CreateEndpoint(queue)
	if terr != nil {
		return nil, newError("accept", first.Remote, terr)
	}
	c := newPacketConn(made, queue, first.Remote, first.Local)
	endpoint, ok := made.(stack.TransportEndpoint)
	if !ok {
		c.Close()
		return nil, &Error{Op: "accept", Remote: first.Remote, Errno: syscall.EIO, reason: "an endpoint takes no packets"}
	}
	for _, arrival := range arrivals[1:] {
		endpoint.HandlePacket(arrival.id, arrival.packet)
	}
	return c, nil
}
