package main

import (
	"context"
	"net"
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// Flow implements dialsocket.Run.
func (s *server) Flow(ctx context.Context, flow dialsocket.Flow) (netip.AddrPort, error) {
	s.events.tell(event{Event: "flow", Destination: flow.Destination.String(), PID: flow.PID})
	return s.flows.Open(ctx, datagram.Request{
		Owner:       s.ctx,
		PID:         flow.PID,
		Cookie:      flow.Cookie,
		Program:     flow.Socket,
		Destination: flow.Destination,
		Dial:        func(context.Context) (datagram.Opened, error) { return s.openFar(flow.Destination) },
	})
}

// openFar opens the far side of a flow, where the settings say that its destination is.
func (s *server) openFar(destination netip.AddrPort) (datagram.Opened, error) {
	now := s.settings.get()
	if now.isResolver(destination) {
		return datagram.Opened{Remote: datagram.NewResolver(s.Query)}, nil
	}
	if now.UDP == "block" {
		return datagram.Opened{}, message.Errorf(message.Denied, "UDP is blocked")
	}
	target, err := now.target(now.UDPHosts, destination)
	if err != nil {
		return datagram.Opened{}, err
	}
	address, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return datagram.Opened{}, err
	}
	remote, err := datagram.DialHost(new(hostdial.Dialer), address.AddrPort())
	return datagram.Opened{Remote: remote}, err
}
