package dialsocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

const (
	// maxBootstraps is how many connections to the path there may be. Programs inherit them, so that few are made.
	maxBootstraps = 4_096
	// maxChannels is how many processes may have one.
	maxChannels = 16_384
	// acceptRetry is the pause after an accept failed for want of descriptors or memory.
	acceptRetry = 20 * time.Millisecond
)

// Options of a server. Board and tarpit stay the caller's.
type Options struct {
	// Path is in a directory that is only the user's.
	Path   string
	Board  *board.Board
	Tarpit *tarpit.Tarpit
	Runs   Runs
}

// Server serves the dial socket until it is closed.
type Server struct {
	options  Options
	listener *net.UnixListener
	ctx      context.Context
	cancel   context.CancelCauseFunc
	tasks    sync.WaitGroup
	dials    dials
	unheard  unheard

	mu         sync.Mutex
	closed     bool
	bootstraps map[io.Closer]struct{}
	channels   map[io.Closer]struct{}
}

// Listen makes the socket and serves it. What is left of a server that died is replaced.
func Listen(options Options) (*Server, error) {
	if err := removeStale(options.Path); err != nil {
		return nil, err
	}
	listener, err := net.ListenUnix(network, address(options.Path))
	if err != nil {
		return nil, fmt.Errorf("listening for wrapped programs: %w", err)
	}
	if err := os.Chmod(options.Path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listening for wrapped programs: %w", err)
	}
	s := &Server{
		options:    options,
		listener:   listener,
		bootstraps: map[io.Closer]struct{}{},
		channels:   map[io.Closer]struct{}{},
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.dials.init()
	s.tasks.Go(s.accept)
	return s, nil
}

// network is Go's name for SOCK_SEQPACKET.
const network = "unixpacket"

func address(path string) *net.UnixAddr { return &net.UnixAddr{Name: path, Net: network} }

func removeStale(path string) error {
	// Connecting to what is no socket is refused as well.
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSocket {
		return nil // what is wrong with the path, listening on it says
	}
	conn, err := net.DialUnix(network, nil, address(path))
	switch {
	case err == nil:
		conn.Close()
		return message.Errorf(message.Busy, "somebody serves %s already", path)
	case errors.Is(err, unix.ECONNREFUSED):
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing a socket that nobody serves: %w", err)
		}
	}
	return nil
}

var errEnded = message.Errorf(message.Aborted, "the sidecar ended")

// Close ends it: dials fail, channels close. It returns when all is done.
func (s *Server) Close() {
	s.cancel(errEnded)
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for _, conns := range []map[io.Closer]struct{}{s.bootstraps, s.channels} {
		for conn := range conns {
			conn.Close()
		}
	}
	s.mu.Unlock()
	s.dials.end(errEnded)
	s.tasks.Wait()
}

// keep counts conn to one of the two sets. It reports false, and closes conn, when there is no place for it.
func (s *Server) keep(set map[io.Closer]struct{}, limit int, conn io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(set) >= limit {
		conn.Close()
		return false
	}
	set[conn] = struct{}{}
	return true
}

func (s *Server) forget(set map[io.Closer]struct{}, conn io.Closer) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(set, conn)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case err == nil:
			if s.keep(s.bootstraps, maxBootstraps, conn) {
				heard := s.unheard.begin()
				s.tasks.Go(func() { s.bootstrap(conn, heard) })
			}
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-time.After(acceptRetry):
			case <-s.ctx.Done():
				return
			}
		}
	}
}
