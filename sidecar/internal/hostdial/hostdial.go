// Package hostdial makes the connections that leave by the host's own network. There is no other way out for what
// programs send, so that what a Dialer counts is all that went past the tailnet.
package hostdial

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
)

// Dialer dials from the host, and counts. The zero value is ready.
type Dialer struct {
	dials atomic.Uint64
}

// Dials returns how often the host's network was dialled, whatever came of it.
func (d *Dialer) Dials() uint64 { return d.dials.Load() }

// Dial connects to destination; network is tcp or udp.
func (d *Dialer) Dial(ctx context.Context, network string, destination netip.AddrPort) (net.Conn, error) {
	d.dials.Add(1)
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, destination.String())
}

// UDP makes a socket that is connected to destination.
func (d *Dialer) UDP(destination netip.AddrPort) (*net.UDPConn, error) {
	d.dials.Add(1)
	return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(destination))
}
