package lab

import (
	"slices"
	"time"

	"tailscale.com/net/packet"
	"tailscale.com/net/tsaddr"
	"tailscale.com/net/tstun"
	"tailscale.com/wgengine/filter"
)

// delayLine is how many packets may be under way to a node that has a delay: 20 MB of them, which
// keeps a gigabit busy for 160 ms.
const delayLine = 16 << 10

type delayed struct {
	due time.Time
	raw []byte
}

// shapeInbound puts the lab's hook where packets come in from WireGuard, after the filter and before the
// node's stack. It keeps pings through the exit node from reaching the host, which would send them
// on, and makes the path as long as the lab's delay asks.
func (n *node) shapeInbound() {
	tun := n.server.Sys().Tun.Get()
	if n.lab.options.Delay == 0 || n.lab.options.Relayed {
		tun.PostFilterPacketInboundFromWireGuardAppConnector = func(p *packet.Parsed, _ *tstun.Wrapper) filter.Response {
			if leaves(p) {
				return filter.DropSilently
			}
			return filter.Accept
		}
		return
	}
	line := make(chan delayed, delayLine)
	go deliver(line, tun, n.ctx.Done())
	tun.PostFilterPacketInboundFromWireGuardAppConnector = func(p *packet.Parsed, _ *tstun.Wrapper) filter.Response {
		if leaves(p) {
			return filter.DropSilently
		}
		// The packet's buffer is used again as soon as this returns.
		select {
		case line <- delayed{due: time.Now().Add(n.lab.options.Delay), raw: slices.Clone(p.Buffer())}:
		default: // As a router whose queue is full.
		}
		return filter.DropSilently
	}
}

func leaves(p *packet.Parsed) bool {
	return p.IsEchoRequest() && !tsaddr.IsTailscaleIP(p.Dst.Addr())
}

// deliver hands packets to the node's stack in the order in which they came.
func deliver(line <-chan delayed, tun *tstun.Wrapper, done <-chan struct{}) {
	var p packet.Parsed
	for {
		var next delayed
		select {
		case next = <-line:
		case <-done:
			return
		}
		if wait := time.Until(next.due); wait > 0 {
			time.Sleep(wait)
		}
		p.Decode(next.raw)
		if _, gro := tun.PostFilterPacketInboundFromWireGuard(&p, tun, nil); gro != nil {
			gro.Flush()
		}
	}
}
