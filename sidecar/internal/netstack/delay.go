package netstack

import (
	"os"
	"strconv"
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
	// nearBuffer is what a connection over a short path may have in flight each way, in bytes: 2 Gbit/s at half a
	// millisecond. gVisor advertises half of a receive buffer.
	nearBuffer = 256 << 10
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
	r, _ := strconv.Atoi(os.Getenv("NEAR_R"))
	w, _ := strconv.Atoi(os.Getenv("NEAR_W"))
	options.SetReceiveBufferSize(int64(r)<<10, true)
	options.SetSendBufferSize(int64(w)<<10, true)
}
