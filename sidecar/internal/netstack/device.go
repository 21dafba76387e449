package netstack

import (
	"errors"
	"os"
	"sync"

	"github.com/tailscale/wireguard-go/conn"
	"github.com/tailscale/wireguard-go/tun"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/stack/gro"
)

// Device is the tun.Device that carries the stack's packets. WireGuard reads what the stack sends and
// writes what peers send.
type Device struct {
	link   *link
	events chan tun.Event

	// Of the one reader.
	held queued // did not fit into the batch before
	flat []byte // one segment before it is split

	// joiners are *gro.GRO: WireGuard writes from one goroutine a peer.
	joiners sync.Pool

	closeOnce sync.Once
}

var _ tun.Device = (*Device)(nil)

func newDevice(l *link) *Device {
	d := &Device{
		link:   l,
		events: make(chan tun.Event, 1),
		flat:   make([]byte, gsoMaxSize+headerRoom),
	}
	d.joiners.New = func() any {
		joiner := new(gro.GRO)
		joiner.Init(true)
		return joiner
	}
	d.events <- tun.EventUp
	return d
}

// headerRoom is more than the headers of IP and TCP with all their options take.
const headerRoom = 128

// Read waits for a packet and then takes as many more as are queued and fit.
func (d *Device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	q, err := d.first()
	if err != nil {
		return 0, err
	}
	n := 0
	for {
		split, err := d.split(q.packet, bufs[n:], sizes[n:], offset)
		n += split
		// ErrTooManySegments: the rest is lost as on any full link, and TCP repairs it.
		if err != nil && !errors.Is(err, tun.ErrTooManySegments) && n == 0 {
			return 0, nil // a malformed packet of ours; the next may be well
		}
		if n == len(bufs) {
			return n, nil
		}
		select {
		case q = <-d.link.queue:
			if q.packet == nil || segments(q.packet) > len(bufs)-n {
				d.held = q
				return n, nil
			}
		default:
			return n, nil
		}
	}
}

// first waits for a packet. Whoever wants to know that what came before was taken is told here: a reader that comes
// back is done with what it read.
func (d *Device) first() (queued, error) {
	q := d.held
	d.held = queued{}
	for {
		if q.packet != nil {
			return q, nil
		}
		if q.taken != nil {
			close(q.taken)
		}
		select {
		case q = <-d.link.queue:
		case <-d.link.closed:
			return queued{}, os.ErrClosed
		}
	}
}

// segments returns how many packets pkt becomes.
func segments(pkt *stack.PacketBuffer) int {
	mss := int(pkt.GSOOptions.MSS)
	if pkt.GSOOptions.Type == stack.GSONone || mss == 0 {
		return 1
	}
	return max(1, (pkt.Data().Size()+mss-1)/mss)
}

// split writes pkt as segments of the path's size and releases it.
func (d *Device) split(pkt *stack.PacketBuffer, bufs [][]byte, sizes []int, offset int) (int, error) {
	defer pkt.DecRef()
	if segments(pkt) == 1 && !(pkt.GSOOptions.Type != stack.GSONone && pkt.GSOOptions.NeedsCsum) {
		sizes[0] = flatten(bufs[0][offset:], pkt)
		return 1, nil
	}
	flat := d.flat[:flatten(d.flat, pkt)]
	options, err := splitOptions(flat, pkt.GSOOptions)
	if err != nil {
		return 0, err
	}
	return tun.GSOSplit(flat, options, bufs, sizes, offset)
}

func flatten(dst []byte, pkt *stack.PacketBuffer) int {
	n := 0
	for _, piece := range pkt.AsSlices() {
		n += copy(dst[n:], piece)
	}
	return n
}

var errShortPacket = errors.New("a segment to split is shorter than its headers")

const tcpDataOffset, tcpMinHeader = 12, 20

func splitOptions(pkt []byte, gso stack.GSO) (tun.GSOOptions, error) {
	options := tun.GSOOptions{
		CsumStart:  gso.L3HdrLen,
		CsumOffset: gso.CsumOffset,
		GSOSize:    gso.MSS,
		NeedsCsum:  gso.NeedsCsum,
	}
	switch gso.Type {
	case stack.GSOTCPv4:
		options.GSOType = tun.GSOTCPv4
	case stack.GSOTCPv6:
		options.GSOType = tun.GSOTCPv6
	default:
		return options, nil
	}
	if len(pkt) < int(gso.L3HdrLen)+tcpMinHeader {
		return options, errShortPacket
	}
	// gVisor knows only the length of the IP header.
	options.HdrLen = gso.L3HdrLen + uint16(pkt[int(gso.L3HdrLen)+tcpDataOffset]>>4)*4
	return options, nil
}

// Write gives packets of peers to the stack, TCP segments of one flow joined.
func (d *Device) Write(bufs [][]byte, offset int) (int, error) {
	dispatcher := d.link.attached()
	if dispatcher == nil {
		return 0, os.ErrClosed
	}
	joiner := d.joiners.Get().(*gro.GRO)
	defer d.joiners.Put(joiner)
	joiner.Dispatcher = dispatcher
	for _, buf := range bufs {
		pkt, plain := plainTCP(buf[offset:])
		switch {
		case pkt != nil:
			joiner.Enqueue(pkt)
		case plain:
			continue // a checksum is wrong
		default:
			if pkt = otherPacket(buf[offset:]); pkt == nil {
				continue
			}
			dispatcher.DeliverNetworkPacket(pkt.NetworkProtocolNumber, pkt)
		}
		pkt.DecRef()
	}
	joiner.Flush()
	return len(bufs), nil
}

// Close ends Read and the events. The stack is closed by [Stack.Close].
func (d *Device) Close() error {
	d.closeOnce.Do(func() {
		d.link.close()
		close(d.events)
	})
	return nil
}

func (d *Device) File() *os.File           { return nil }
func (d *Device) MTU() (int, error)        { return int(d.link.mtu), nil }
func (d *Device) Name() (string, error)    { return "tailproxy", nil }
func (d *Device) Events() <-chan tun.Event { return d.events }
func (d *Device) BatchSize() int           { return conn.IdealBatchSize }
