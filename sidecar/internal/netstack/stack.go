package netstack

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"tailscale.com/net/tstun"
)

const nicID = 1

// Options tunes a stack; what is zero has its default.
type Options struct {
	// SendBuffer is what one connection over a long path may have written and not yet acknowledged at most, in
	// bytes. It grows to that with the congestion window. Short paths have less: see fit.
	SendBuffer int
	// ReceiveBuffer is what one connection over a long path may hold unread at most, in bytes. It grows to that as
	// the program reads; half of it is the window.
	ReceiveBuffer int
	// QueueLength is how many segments may wait for WireGuard.
	QueueLength int
	// CongestionControl is cubic or reno.
	CongestionControl string
}

// Defaults of [Options]. The buffers are those of tsnet's own stack, which long paths need: with 1 MiB a stream over
// 40 ms was 0.3 times as fast.
const (
	DefaultSendBuffer    = 6 << 20
	DefaultReceiveBuffer = 8 << 20
	DefaultQueueLength   = 512
	// DefaultCongestionControl is Tailscale's choice too. gVisor's cubic overflows (google/gvisor#11632): its window grows with
	// the cube of the time since the last loss, and a connection that lost nothing for a week may stall for good.
	DefaultCongestionControl = "reno"

	initialSendBuffer    = 208 << 10
	initialReceiveBuffer = 256 << 10
	minBuffer            = 4 << 10

	// timeWait is how long the port of a connection that we closed first is kept. RFC 9293 asks for four
	// minutes, Linux takes one; at thousands of short connections a second either is out of ports. Initial
	// sequence numbers and timestamps keep an old segment from being taken for a new one's.
	timeWait = 5 * time.Second
)

// Stack is a TCP/IP stack behind a [Device].
type Stack struct {
	stack  *stack.Stack
	link   *link
	device *Device
	delays delays
	ports  *portSequence

	listening listening
	beside    beside
	takers    takers

	mu        sync.Mutex
	addresses map[netip.Addr]stack.PrimaryEndpointBehavior

	closeOnce sync.Once
}

// New returns a stack without addresses; see [Stack.SetAddresses].
func New(options Options) (*Stack, error) {
	l := newLink(uint32(tstun.DefaultTUNMTU()), orDefault(options.QueueLength, DefaultQueueLength))
	s := &Stack{
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
			// What is sent to an address of our own never reaches WireGuard, which has no peer for it.
			HandleLocal: true,
		}),
		link:      l,
		ports:     newPortSequence(),
		device:    newDevice(l),
		addresses: map[netip.Addr]stack.PrimaryEndpointBehavior{},
	}
	if err := s.configure(options); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stack) configure(options Options) error {
	sack := tcpip.TCPSACKEnabled(true)
	// gVisor's RACK retransmits too early: tailscale/tailscale#9707.
	recovery := tcpip.TCPRecovery(0)
	congestion := tcpip.CongestionControlOption(DefaultCongestionControl)
	if options.CongestionControl != "" {
		congestion = tcpip.CongestionControlOption(options.CongestionControl)
	}
	sendMax := orDefault(options.SendBuffer, DefaultSendBuffer)
	receiveMax := orDefault(options.ReceiveBuffer, DefaultReceiveBuffer)
	send := tcpip.TCPSendBufferSizeRangeOption{
		Min: minBuffer, Default: min(initialSendBuffer, sendMax), Max: sendMax,
	}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{
		Min: minBuffer, Default: min(initialReceiveBuffer, receiveMax), Max: receiveMax,
	}
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	wait := tcpip.TCPTimeWaitTimeoutOption(timeWait)
	reuse := tcpip.TCPTimeWaitReuseOption(tcpip.TCPTimeWaitReuseGlobal)
	for _, option := range []tcpip.SettableTransportProtocolOption{
		&sack, &recovery, &congestion, &send, &receive, &moderate, &wait, &reuse,
	} {
		if err := s.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("setting %T of the stack: %s", option, err)
		}
	}
	// Before there are packets: the stack looks it up without a lock.
	s.stack.SetTransportProtocolHandler(udp.ProtocolNumber, s.arrive)
	if err := s.stack.CreateNIC(nicID, s.link); err != nil {
		return fmt.Errorf("attaching the stack: %s", err)
	}
	s.stack.SetRouteTable([]tcpip.Route{
		{Destination: header.IPv4EmptySubnet, NIC: nicID},
		{Destination: header.IPv6EmptySubnet, NIC: nicID},
	})
	return nil
}

// Device returns the device to give to tsnet.Server.Tun.
func (s *Stack) Device() *Device { return s.device }

// SetAddresses makes the stack's addresses those of own and further; connections of addresses that went are cut. The further
// ones are listened on, and no connection is made from them.
func (s *Stack) SetAddresses(own []netip.Addr, further ...netip.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := make(map[netip.Addr]stack.PrimaryEndpointBehavior, len(own)+len(further))
	for _, addr := range further {
		wanted[addr.Unmap()] = stack.NeverPrimaryEndpoint
	}
	for _, addr := range own {
		wanted[addr.Unmap()] = stack.CanBePrimaryEndpoint
	}
	for addr, behavior := range s.addresses {
		if now, ok := wanted[addr]; ok && now == behavior {
			continue
		}
		if err := s.stack.RemoveAddress(nicID, tcpip.AddrFromSlice(addr.AsSlice())); err != nil {
			return fmt.Errorf("removing address %v: %s", addr, err)
		}
		delete(s.addresses, addr)
	}
	for addr, behavior := range wanted {
		if _, ok := s.addresses[addr]; ok {
			continue
		}
		err := s.stack.AddProtocolAddress(nicID, tcpip.ProtocolAddress{
			Protocol:          protocolOf(addr),
			AddressWithPrefix: tcpip.AddrFromSlice(addr.AsSlice()).WithPrefix(),
		}, stack.AddressProperties{PEB: behavior})
		if err != nil {
			return fmt.Errorf("adding address %v: %s", addr, err)
		}
		s.addresses[addr] = behavior
	}
	return nil
}

// Flush waits until WireGuard has taken what was sent before, or ctx ends.
func (s *Stack) Flush(ctx context.Context) {
	taken := make(chan struct{})
	select {
	case s.link.queue <- queued{taken: taken}:
	case <-s.link.closed:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-taken:
	case <-s.link.closed:
	case <-ctx.Done():
	}
}

// Close ends every connection and the device.
func (s *Stack) Close() {
	s.closeOnce.Do(func() {
		s.stack.Close()
		s.device.Close()
		s.stack.Wait()
	})
}

func protocolOf(addr netip.Addr) tcpip.NetworkProtocolNumber {
	if addr.Is4() {
		return ipv4.ProtocolNumber
	}
	return ipv6.ProtocolNumber
}

func fullAddress(addr netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{
		NIC:  nicID,
		Addr: tcpip.AddrFromSlice(addr.Addr().AsSlice()),
		Port: addr.Port(),
	}
}

func addrPort(full tcpip.FullAddress) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(full.Addr.AsSlice())
	return netip.AddrPortFrom(addr, full.Port)
}

func orDefault(value, fallback int) int {
	if value > 0 {
		return value
	}
	return fallback
}
