package lab

import (
	"net"

	"tailscale.com/types/nettype"
)

// forwardUDP makes a tailnet port of the node hand its datagrams to a target on loopback, from a socket of
// its own for each flow, so that the answers find their way back.
func (n *node) forwardUDP(f Forward) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.udp[f.Port] = func(near nettype.ConnPacketConn) {
		far, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(f.Target))
		if err != nil {
			near.Close()
			return
		}
		passDatagrams(near, far)
	}
}

// passDatagrams copies both ways until a direction is idle, or a side is gone.
func passDatagrams(near nettype.ConnPacketConn, far *net.UDPConn) {
	// Whichever side ends first wakes the other's read.
	end := func() {
		near.Close()
		far.Close()
	}
	go func() {
		defer end()
		copyDatagrams(near, far)
	}()
	defer end()
	copyDatagrams(far, near)
}

func copyDatagrams(to, from net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		_ = from.SetReadDeadline(idleUntil())
		size, err := from.Read(buf)
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:size]); err != nil {
			return
		}
	}
}
