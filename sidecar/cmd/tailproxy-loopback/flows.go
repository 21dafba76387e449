package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

type flowKey struct {
	cookie      uint64
	destination netip.AddrPort
}

// flows are kept until the end: tests do not make many.
type flows struct {
	mu    sync.Mutex
	ended bool
	byKey map[flowKey]*net.UDPConn
	far   []*net.UDPConn
}

func (f *flows) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for _, conn := range f.byKey {
		conn.Close()
	}
	for _, conn := range f.far {
		conn.Close()
	}
}

// Flow implements dialsocket.Run.
func (s *server) Flow(_ context.Context, flow dialsocket.Flow) (netip.AddrPort, error) {
	// A datagram from anyone is taken here, so that the program's port need not be known.
	unix.Close(flow.Socket)
	s.events.tell(event{Event: "flow", Destination: flow.Destination.String(), PID: flow.PID})
	s.flows.mu.Lock()
	defer s.flows.mu.Unlock()
	if s.flows.ended {
		return netip.AddrPort{}, message.Errorf(message.Aborted, "the server ended")
	}
	key := flowKey{flow.Cookie, flow.Destination}
	if near, ok := s.flows.byKey[key]; ok {
		return addressOf(near), nil
	}
	serve, err := s.serving(flow.Destination)
	if err != nil {
		return netip.AddrPort{}, err
	}
	near, err := listenNear(flow.Destination.Addr())
	if err != nil {
		return netip.AddrPort{}, err
	}
	if !s.board.SetFlow(addressOf(near), flow.Cookie, flow.Destination) {
		near.Close()
		return netip.AddrPort{}, message.Errorf(message.Busy, "the board is full")
	}
	if s.flows.byKey == nil {
		s.flows.byKey = map[flowKey]*net.UDPConn{}
	}
	s.flows.byKey[key] = near
	s.tasks.Go(func() { serve(near) })
	return addressOf(near), nil
}

// listenNear returns a flow socket, of the destination's family where the host has it.
func listenNear(destination netip.Addr) (*net.UDPConn, error) {
	if destination.Is6() {
		if near, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback}); err == nil {
			return near, nil
		}
	}
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

func addressOf(conn *net.UDPConn) netip.AddrPort {
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// serving returns what carries the datagrams of a flow. It is called with the flows locked.
func (s *server) serving(destination netip.AddrPort) (func(near *net.UDPConn), error) {
	now := s.settings.get()
	if now.isResolver(destination) {
		return s.answerDatagrams, nil
	}
	if now.UDP == "block" {
		return nil, message.Errorf(message.Denied, "UDP is blocked")
	}
	target, err := now.target(now.UDPHosts, destination)
	if err != nil {
		return nil, err
	}
	address, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return nil, err
	}
	far, err := net.DialUDP("udp", nil, address)
	if err != nil {
		return nil, err
	}
	s.flows.far = append(s.flows.far, far)
	return func(near *net.UDPConn) { s.carry(near, far) }, nil
}

const maxDatagram = 65_535

func (s *server) answerDatagrams(near *net.UDPConn) {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := near.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		if answer := s.Query(s.ctx, buffer[:n]); answer != nil {
			// A datagram that is lost is what UDP is.
			_, _ = near.WriteToUDPAddrPort(answer, from)
		}
	}
}

func (s *server) carry(near, far *net.UDPConn) {
	var program atomic.Pointer[netip.AddrPort]
	s.tasks.Go(func() {
		buffer := make([]byte, maxDatagram)
		for {
			n, err := far.Read(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if to := program.Load(); err == nil && to != nil {
				_, _ = near.WriteToUDPAddrPort(buffer[:n], *to)
			}
		}
	})
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := near.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			program.Store(&from)
			_, _ = far.Write(buffer[:n])
		}
	}
}
