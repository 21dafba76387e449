package tarpit

import (
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// stockSize is how many sockets are kept ready. More dials than this seldom end at one moment.
const stockSize = 8

// stock is sockets that are bound to a tarpit's address ahead of their use: they are made while a dial is under way, so
// that the program does not wait for it.
type stock struct {
	mu     sync.Mutex
	ready  []int
	closed bool
}

func (s *stock) take() (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.ready) - 1
	if last < 0 {
		return -1, false
	}
	fd := s.ready[last]
	s.ready = s.ready[:last]
	return fd, true
}

// full reports whether another is not wanted.
func (s *stock) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || len(s.ready) >= stockSize
}

// put takes fd over.
func (s *stock) put(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		unix.Close(fd)
		return
	}
	s.ready = append(s.ready, fd)
}

func (s *stock) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, fd := range s.ready {
		unix.Close(fd)
	}
	s.ready = nil
}

// Prepare makes what the next join of a family needs, unless that is there.
func (t *Tarpit) Prepare(local netip.Addr) {
	p, err := t.of(local)
	if err != nil || p.spare.full() {
		return
	}
	// When it fails, the join itself tries again and says why.
	if fd, err := joiner(p.address); err == nil {
		p.spare.put(fd)
	}
}

// joiner returns a socket for one join. It is reset when its descriptor closes: if this process is killed, the program
// sees a reset and not an end.
func joiner(address netip.AddrPort) (int, error) {
	fd, err := bound(address)
	if err != nil {
		return -1, err
	}
	if err := splice.Prepare(fd); err != nil {
		return -1, err
	}
	return fd, nil
}
