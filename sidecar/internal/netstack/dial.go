package netstack

import (
	"context"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// A program's own keep-alive ends at the sidecar, so the sidecar sends them to the peer. A peer that has
// gone is noticed after about four minutes.
const (
	keepAliveIdle     = 2 * time.Minute
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 8
)

// DialTCP connects to remote. When ctx ends first it fails with the cause of ctx and nothing is left of the attempt.
func (s *Stack) DialTCP(ctx context.Context, remote netip.AddrPort) (*Conn, error) {
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	queue := new(waiter.Queue)
	ep, terr := s.stack.NewEndpoint(tcp.ProtocolNumber, protocolOf(remote.Addr()), queue)
	if terr != nil {
		return nil, newError("dial", remote, terr)
	}
	entry, connected := waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventErr | waiter.EventHUp)
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	tune(ep)
	route, terr := s.stack.FindRoute(nicID, tcpip.Address{}, fullAddress(remote).Addr, protocolOf(remote.Addr()), false)
	if terr != nil {
		ep.Close()
		return nil, newError("dial", remote, terr)
	}
	terr = s.ports.bind(ep, route.LocalAddress(), remote.Port())
	route.Release()
	if terr != nil {
		ep.Close()
		return nil, newError("dial", remote, terr)
	}
	started := time.Now()
	terr = ep.Connect(fullAddress(remote))
	if _, waiting := terr.(*tcpip.ErrConnectStarted); waiting {
		select {
		case <-connected:
			terr = ep.LastError()
		case <-ctx.Done():
			ep.Abort()
			return nil, context.Cause(ctx)
		}
	}
	if terr != nil {
		ep.Close()
		return nil, newError("dial", remote, terr)
	}
	now := time.Now()
	fit(ep, s.delays.note(remote.Addr(), now.Sub(started), now))
	return newConn(ep, queue), nil
}

func tune(ep tcpip.Endpoint) {
	options := ep.SocketOptions()
	options.SetDelayOption(false) // what a program wrote in pieces was the program's choice
	options.SetKeepAlive(true)
	idle := tcpip.KeepaliveIdleOption(keepAliveIdle)
	interval := tcpip.KeepaliveIntervalOption(keepAliveInterval)
	// These fail for values out of range only.
	ep.SetSockOpt(&idle)
	ep.SetSockOpt(&interval)
	ep.SetSockOptInt(tcpip.KeepaliveCountOption, keepAliveCount)
}
