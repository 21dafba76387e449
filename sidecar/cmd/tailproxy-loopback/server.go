package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/sourceport"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

// mtu is a tailnet's, in bytes.
const mtu = 1280

// server is the dial socket and what is behind it. It is its own one run.
type server struct {
	settings settings
	events   *events
	ctx      context.Context
	cancel   context.CancelFunc
	board    *board.Board
	tarpit   *tarpit.Tarpit
	socket   *dialsocket.Server
	pool     splice.Pool
	tasks    sync.WaitGroup
	flows    datagram.Table
	joined   joined
	visits   *sourceport.Dialer
}

func start(line []byte, events *events) (*server, error) {
	s := &server{events: events, visits: sourceport.New()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.settings.update(line); err != nil {
		return nil, err
	}
	// The first line has all there is, and nobody reads the settings yet.
	if err := json.Unmarshal(line, &s.settings.now); err != nil {
		return nil, fmt.Errorf("the settings cannot be read: %w", err)
	}
	if err := s.open(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *server) open() (err error) {
	now := s.settings.get()
	if s.board, err = board.New(); err != nil {
		return err
	}
	s.flows.Board = s.board
	if s.tarpit, err = tarpit.Open(); err != nil {
		return err
	}
	ready := event{Event: "ready", Path: now.Path}
	if now.Tarpits == nil || *now.Tarpits {
		s.announce(&ready)
	}
	s.board.SetRouting(board.Routing{Everything: now.Everything, Routes: now.Routes, Resolvers: now.Resolvers, MTU: mtu})
	s.socket, err = dialsocket.Listen(dialsocket.Options{Path: now.Path, Board: s.board, Tarpit: s.tarpit, Runs: s})
	if err != nil {
		return err
	}
	s.events.tell(ready)
	return nil
}

// announce puts the tarpits that work on the board.
func (s *server) announce(ready *event) {
	v4, v6 := s.tarpit.Addresses()
	failed4, failed6 := s.tarpit.Probe()
	if failed4 != nil {
		v4 = netip.AddrPort{}
	}
	if failed6 != nil {
		v6 = netip.AddrPort{}
	}
	s.board.SetTarpits(v4, v6)
	if v4.IsValid() {
		ready.Tarpit4 = v4.String()
	}
	if v6.IsValid() {
		ready.Tarpit6 = v6.String()
	}
}

func (s *server) close() {
	s.cancel()
	s.joined.abort()
	if s.socket != nil {
		s.socket.Close()
	}
	s.flows.Close()
	s.tasks.Wait()
	if s.tarpit != nil {
		s.tarpit.Close()
	}
	if s.board != nil {
		s.board.Close()
	}
}

// Hello implements dialsocket.Runs.
func (s *server) Hello(token []byte, pid int) (dialsocket.Run, error) {
	if err := s.knows(token); err != nil {
		s.events.tell(event{Event: "refused", PID: pid})
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	s.events.tell(event{Event: "hello", PID: pid})
	return s, nil
}

// Family implements dialsocket.Runs.
func (s *server) Family(token []byte) (left func(), err error) {
	if err := s.knows(token); err != nil {
		return nil, err
	}
	s.events.tell(event{Event: "family"})
	return func() { s.events.tell(event{Event: "familyLeft"}) }, nil
}

func (s *server) knows(token []byte) error {
	if subtle.ConstantTimeCompare(token, []byte(s.settings.get().Token)) != 1 {
		return message.Errorf(message.Denied, "it is another token")
	}
	return nil
}

// Context implements dialsocket.Run.
func (s *server) Context() context.Context { return s.ctx }

// Welcome implements dialsocket.Run.
func (s *server) Welcome() dialsocket.Welcome {
	now := s.settings.get()
	welcome := dialsocket.Welcome{OnlyTailnet: now.OnlyTailnet, Asks: now.Asks}
	switch now.UDP {
	case "block":
		welcome.UDP = dialsocket.UDPBlock
	case "direct":
		welcome.UDP = dialsocket.UDPDirect
	}
	return welcome
}

// Control implements dialsocket.Run.
func (s *server) Control(context.Context) (int, error) {
	return dialsocket.ConnectControl(s.settings.get().Control)
}

// Closed implements dialsocket.Run.
func (s *server) Closed(pid int) {
	s.flows.Ended(pid)
	s.events.tell(event{Event: "closed", PID: pid})
}
