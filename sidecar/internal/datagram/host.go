package datagram

import (
	"net"
	"net/netip"
)

// host is a connected socket of the host's kernel.
type host struct{ *kernel }

// DialHost makes a far side of a socket of the host: for what is reached directly.
func DialHost(destination netip.AddrPort) (Remote, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(destination))
	if err != nil {
		return nil, err
	}
	k, err := newKernel(conn)
	if err != nil {
		return nil, err
	}
	return host{k}, nil
}

func (h host) send(batch *Batch) error { return h.sendTo(batch, netip.AddrPort{}) }

func (h host) Close() { h.close() }

func (h host) Local() netip.AddrPort { return localOf(h.conn) }
