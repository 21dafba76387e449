package sourceport

import (
	"net/netip"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// Socket is a connection to a listener of this host. It has its port until it is closed.
type Socket struct {
	*splice.Socket
	// local is valid when the port is one of ports.
	local  netip.AddrPort
	cookie uint64
	note   Note
	ports  *ports

	mu     sync.Mutex
	closed bool
}

var _ splice.Side = (*Socket)(nil)

// Abort resets the connection.
func (s *Socket) Abort() {
	s.end(func() error { s.Socket.Abort(); return nil })
}

// Close ends the connection in order.
func (s *Socket) Close() error { return s.end(s.Socket.Close) }

// end takes the note back while the port is still ours: a stranger who gets it next must not be taken for our peer.
func (s *Socket) end(closing func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.local.IsValid() {
		return closing()
	}
	if s.note.Erase != nil {
		s.note.Erase(s.local, s.cookie)
	}
	err := closing()
	s.ports.giveBack(s.local.Port())
	return err
}

// Bound reports whether the socket has a port of loopback that was noted.
func (s *Socket) Bound() bool { return s.local.IsValid() }
