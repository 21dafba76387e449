package netstack

import (
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// Every packet that waits in WireGuard takes a buffer of 64 KiB, so what may be in flight decides the memory: eight
// streams with windows of 4 MiB can queue packets worth 1.6 GB. On a long path those bytes are in the network; on a
// short one they can only be in our own queues, and a window beyond bandwidth × delay buys nothing.
const (
	// nearDelay is the round trip up to which a path is short.
	nearDelay = 2 * time.Millisecond
	// nearSend and nearReceive are the buffers of a connection over a short path, in bytes. gVisor advertises half of
	// a receive buffer. With a quarter of that one stream was 0.65 times as fast; with twice as much it was 1.07
	// times as fast and the process a quarter larger.
	nearSend    = 512 << 10
	nearReceive = 1 << 20
	// delayAge is how long a round trip counts. A laptop that moves is on another path.
	delayAge = time.Minute
	// maxDelays bounds the table. A tailnet that large loses only the tuning.
	maxDelays = 4096
)

// delays has the shortest round trips of the last minutes, by address. The shortest is the path's; longer ones
// have our own queues in them.
type delays struct {
	mu       sync.Mutex
	byRemote map[netip.Addr]delay
}

type delay struct {
	shortest, previous time.Duration // of this period and the one before
	since              time.Time
}

// note adds a measured round trip and returns the shortest known.
func (d *delays) note(remote netip.Addr, measured time.Duration, now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.byRemote[remote]
	switch {
	case !ok:
		if d.byRemote == nil || len(d.byRemote) >= maxDelays {
			d.byRemote = map[netip.Addr]delay{}
		}
		known = delay{measured, measured, now}
	case now.Sub(known.since) > 2*delayAge:
		known = delay{measured, measured, now}
	case now.Sub(known.since) > delayAge:
		known = delay{measured, known.shortest, now}
	default:
		known.shortest = min(known.shortest, measured)
	}
	d.byRemote[remote] = known
	return min(known.shortest, known.previous)
}

// fit gives a connection over a short path small buffers; over a long one they grow by themselves.
func fit(ep tcpip.Endpoint, roundTrip time.Duration) {
	if roundTrip > nearDelay {
		return
	}
	options := ep.SocketOptions()
	options.SetReceiveBufferSize(nearReceive, true)
	options.SetSendBufferSize(nearSend, true)
}
