package netstack

import (
	"math/rand/v2"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// The local ports of connections. Those below are left to services.
const (
	firstPort = 10_240
	portCount = 1<<16 - firstPort
)

// portSequence gives each connection the port after the last one's. gVisor itself picks at random, and so soon has a pair of
// ports again that the peer keeps in TIME_WAIT for a minute because it closed first. Linux takes the new connection then, but a
// peer whose stack is gVisor's (tailscaled in userspace, tsnet) finds no listener for it and drops the SYN: a few hundred
// connects one after another, and one hung. In turn, a pair comes again after all others. That the next port can be guessed helps
// nobody: segments come through WireGuard, from the peer itself or not at all.
type portSequence struct{ last atomic.Uint32 }

func newPortSequence() *portSequence {
	p := &portSequence{}
	p.last.Store(rand.Uint32())
	return p
}

func (p *portSequence) next() uint16 {
	return uint16(firstPort + p.last.Add(1)%portCount)
}

// bind gives an endpoint a port of the address that it will connect from: a port of any address is never given back once the endpoint
// is connected (gVisor releases it for the connection's own). It is not remote: a connection of an address of ours to itself needs two.
func (p *portSequence) bind(ep tcpip.Endpoint, local tcpip.Address, remote uint16) tcpip.Error {
	for range portCount {
		port := p.next()
		if port == remote {
			continue
		}
		err := ep.Bind(tcpip.FullAddress{Addr: local, Port: port})
		if _, taken := err.(*tcpip.ErrPortInUse); !taken {
			return err
		}
	}
	return &tcpip.ErrNoPortAvailable{}
}
