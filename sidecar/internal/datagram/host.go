package datagram

import (
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
)

// host is a connected socket of the host's kernel.
type host struct{ *kernel }

// DialHost makes a far side of a socket of the host: for what is reached directly.
func DialHost(network *hostdial.Dialer, destination netip.AddrPort) (Remote, error) {
	conn, err := network.UDP(destination)
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
