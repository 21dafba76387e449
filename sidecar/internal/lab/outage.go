package lab

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"tailscale.com/types/logger"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// controlEndpoint is where the control server is reached. It may be down for a while.
type controlEndpoint struct {
	address string
	handler http.Handler

	mu       sync.Mutex
	closed   bool
	server   *http.Server
	listener *severing
}

func newControlEndpoint(listener net.Listener) *controlEndpoint {
	return &controlEndpoint{address: listener.Addr().String()}
}

// serve answers on a listener from now on.
func (e *controlEndpoint) serve(listener net.Listener) {
	e.listener = &severing{Listener: listener, open: map[net.Conn]struct{}{}}
	e.server = &http.Server{Handler: e.handler, ReadHeaderTimeout: 10 * time.Second}
	e.server.ErrorLog = logger.StdLogger(logger.Discard)
	go e.server.Serve(e.listener)
}

func (e *controlEndpoint) up() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp4", e.address)
	if err != nil {
		return fmt.Errorf("listening for the control server again: %w", err)
	}
	e.serve(listener)
	return nil
}

func (e *controlEndpoint) down() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return
	}
	e.server.Close()
	// Those that have become a node's control connection are not the HTTP server's any more.
	e.listener.sever()
	e.server = nil
}

func (e *controlEndpoint) isDown() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server == nil
}

func (e *controlEndpoint) close() {
	e.down()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}

// StopControl takes the control server off the network; relays and nodes stay. Twice is once.
func (l *Lab) StopControl() { l.control.endpoint.down() }

// StartControl brings it back to its port.
func (l *Lab) StartControl() error { return l.control.endpoint.up() }

func (c *control) reachable() error {
	if c.endpoint.isDown() {
		return message.Errorf(message.NotConnected, "the lab's control server is stopped; start it again first")
	}
	return nil
}

// severing can close what it has accepted.
type severing struct {
	net.Listener

	mu   sync.Mutex
	open map[net.Conn]struct{}
}

func (s *severing) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	accepted := &severed{Conn: conn, from: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[accepted] = struct{}{}
	return accepted, nil
}

func (s *severing) sever() {
	s.mu.Lock()
	open := s.open
	s.open = map[net.Conn]struct{}{}
	s.mu.Unlock()
	for conn := range open {
		conn.Close()
	}
}

// severed is a connection that its listener knows of until it is closed.
type severed struct {
	net.Conn
	from *severing
}

func (s *severed) Close() error {
	s.from.mu.Lock()
	delete(s.from.open, s)
	s.from.mu.Unlock()
	return s.Conn.Close()
}
