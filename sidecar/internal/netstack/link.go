package netstack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// gsoMaxSize is the most a TCP segment may hold before it is split, in bytes. A batch of WireGuard
// has 128 slots, so two such segments fit into one at an MTU of 1280.
const gsoMaxSize = 1<<16 - 1

// link joins the stack and the device: packets that the stack sends wait in queue for the device to
// be read. A full queue makes the sender wait, where gVisor's own channel endpoint would drop.
type link struct {
	mtu    uint32
	queue  chan queued
	closed chan struct{}

	mu         sync.RWMutex
	dispatcher stack.NetworkDispatcher
}

// queued is a packet, or the wish to know when all before it was taken.
type queued struct {
	packet *stack.PacketBuffer
	taken  chan<- struct{}
}

func (q queued) release() {
	if q.packet != nil {
		q.packet.DecRef()
	}
}

var (
	_ stack.LinkEndpoint = (*link)(nil)
	_ stack.GSOEndpoint  = (*link)(nil)
)

func newLink(mtu uint32, length int) *link {
	return &link{
		mtu:    mtu,
		queue:  make(chan queued, length),
		closed: make(chan struct{}),
	}
}

// close makes senders and readers give up. It is called once.
func (l *link) close() {
	close(l.closed)
	l.Attach(nil)
	for {
		select {
		case q := <-l.queue:
			q.release()
		default:
			return
		}
	}
}

func (l *link) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	for i, pkt := range pkts.AsSlice() {
		select {
		case l.queue <- queued{packet: pkt.IncRef()}:
		case <-l.closed:
			pkt.DecRef()
			return i, &tcpip.ErrClosedForSend{}
		}
	}
	return pkts.Len(), nil
}

func (l *link) Attach(dispatcher stack.NetworkDispatcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatcher = dispatcher
}

func (l *link) attached() stack.NetworkDispatcher {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dispatcher
}

func (l *link) IsAttached() bool { return l.attached() != nil }

// Capabilities claims that inbound checksums are verified before injection, which GRO needs. It does not claim
// the outbound: gVisor would then leave the checksum out of segments that are not split, SYNs among them.
func (l *link) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}

func (l *link) MTU() uint32                             { return l.mtu }
func (l *link) SetMTU(uint32)                           {}
func (l *link) GSOMaxSize() uint32                      { return gsoMaxSize }
func (l *link) SupportedGSO() stack.SupportedGSO        { return stack.HostGSOSupported }
func (l *link) MaxHeaderLength() uint16                 { return 0 }
func (l *link) LinkAddress() tcpip.LinkAddress          { return "" }
func (l *link) SetLinkAddress(tcpip.LinkAddress)        {}
func (l *link) Wait()                                   {}
func (l *link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }
func (l *link) AddHeader(*stack.PacketBuffer)           {}
func (l *link) ParseHeader(*stack.PacketBuffer) bool    { return true }
func (l *link) SetOnCloseAction(func())                 {}
func (l *link) Close()                                  {}
