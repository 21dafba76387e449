package dialsocket

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

// ErrClosed is why a dial is given up whose program has closed its socket, or has asked for another with it.
var ErrClosed = message.Errorf(message.Aborted, "the program closed the socket")

// strayLimit is how long a program that was stopped may take between asking for a dial and its own connect().
const strayLimit = 5 * time.Minute

// Dial is one that a program waits for.
type Dial struct {
	Destination netip.AddrPort
	PID         int
	// Cookie is the SO_COOKIE of the program's socket.
	Cookie uint64

	server  *Server
	channel *channel
	ctx     context.Context
	cancel  context.CancelCauseFunc
	// refused is why it must not be made.
	refused error

	mu sync.Mutex
	// socket is our duplicate, -1 when that was closed. While we hold it the program's close() does nothing.
	socket int
	// local is valid when the socket was seen in SYN_SENT.
	local netip.AddrPort
	gone  bool
	// ended is that nobody works on it any more.
	ended bool
	// loose is that our duplicate was closed before the end: the socket may go without a word.
	loose   bool
	watcher *time.Timer
	watched time.Duration
}

// Join completes the program's connection and returns our end of it.
func (d *Dial) Join() (*splice.Socket, error) {
	if err := d.awaitSynSent(d.ctx); err != nil {
		return nil, err
	}
	if !d.waits() {
		d.abandon()
		return nil, ErrClosed
	}
	d.server.options.Board.SetPeer(d.local.Addr(), d.local.Port(), d.Cookie, d.Destination)
	// Before the program can know: while our duplicate is open, its close() is no end for the peer, and takes the socket
	// out of no epoll.
	d.release()
	return d.server.options.Tarpit.Join(d.ctx, d.local)
}

// Source returns the address of the program's socket; it is not valid before the program has sent its SYN.
func (d *Dial) Source() netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.local.IsValid() {
		// What is wrong with the socket, the join or the failure sees.
		_, _ = d.lookLocked()
	}
	return d.local
}

// Fail ends the program's connect() with the errno of err's code. It does nothing when the socket is gone.
func (d *Dial) Fail(err error) {
	ctx := d.server.ctx
	// Its port may be another's by now, who waits for somebody else.
	if !d.waits() {
		d.abandon()
		return
	}
	if !d.note(message.CodeOf(err).Errno()) {
		return
	}
	// A program that has not sent its SYN by then has no connect() to fail.
	if d.awaitSynSent(ctx) == nil {
		// First, as in Join. The kernel then fails the connect() as a peer's refusal would.
		d.release()
		// If that fails too, the connect() ends when the kernel has tried for long enough.
		_ = d.server.options.Tarpit.Refuse(ctx, d.local, d.Cookie)
	}
	d.release()
}

// awaitSynSent returns when the program's SYN is out.
func (d *Dial) awaitSynSent(ctx context.Context) error {
	if state, err := d.look(); err == nil && state == tarpit.SynSent {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, strayLimit, errStray)
	defer cancel()
	return tarpit.AwaitSynSent(ctx, d.look)
}

var errStray = message.Errorf(message.TimedOut, "the program did not connect within %v of its wish to", strayLimit)

// note writes the failure down, unless the socket is gone: its cookie may be that of a younger dial.
func (d *Dial) note(errno syscall.Errno) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.gone {
		d.server.options.Board.SetFailure(d.Cookie, errno)
	}
	return !d.gone
}

// look returns the state of the program's socket.
func (d *Dial) look() (tarpit.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lookLocked()
}

func (d *Dial) lookLocked() (tarpit.State, error) {
	switch {
	case d.gone:
		return 0, ErrClosed
	case d.socket < 0:
		return tarpit.SynSent, nil // it was, when our duplicate was closed
	}
	state, err := tarpit.StateOf(d.socket)
	if err != nil || state != tarpit.SynSent || d.local.IsValid() {
		return state, err
	}
	d.local, err = tarpit.Local(d.socket)
	return state, err
}

// release closes our duplicate.
func (d *Dial) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.releaseLocked()
}

func (d *Dial) releaseLocked() {
	if d.socket >= 0 {
		unix.Close(d.socket)
		d.socket = -1
	}
}

// abandon gives the dial up: nobody has the socket any more, or it was asked for anew.
func (d *Dial) abandon() {
	d.mu.Lock()
	d.gone = true
	d.releaseLocked()
	d.mu.Unlock()
	d.cancel(ErrClosed)
}

// begun reports whether the program's SYN was sent, or its connect() has ended already.
func (d *Dial) begun() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	state, err := d.lookLocked()
	return err != nil || state != tarpit.Closed || d.local.IsValid()
}

// recheck is for when a process has closed the socket. Only without our duplicate the kernel tells whether another has it.
func (d *Dial) recheck() {
	d.mu.Lock()
	state, err := d.lookLocked()
	d.letGoLocked()
	local := d.local
	d.mu.Unlock()
	if err != nil || state == tarpit.Closed || !local.IsValid() {
		// Not even a SYN was sent, or the connect() was taken back.
		d.abandon()
		return
	}
	// Also one that is being joined: it looks connected before Join has returned.
	exists, err := tarpit.Exists(local, d.server.tarpitOf(local), d.Cookie)
	if err == nil && !exists {
		d.abandon()
	}
}

func (s *Server) tarpitOf(local netip.AddrPort) netip.AddrPort {
	v4, v6 := s.options.Tarpit.Addresses()
	if local.Addr().Is4() {
		return v4
	}
	return v6
}

var errNotFresh = errors.New("the socket is not one that can be dialled")

// newDial takes a program's socket over. One that is none for a dial is dropped: the kernel has answered the program
// itself.
func (s *Server) newDial(c *channel, destination netip.AddrPort, fd int) (*Dial, bool) {
	cookie, err := freshCookie(fd)
	if err != nil {
		unix.Close(fd)
		return nil, false
	}
	d := &Dial{Destination: destination, PID: c.pid, Cookie: cookie, server: s, channel: c, socket: fd}
	d.ctx, d.cancel = context.WithCancelCause(c.run.Context())
	d.refused = s.dials.add(d)
	s.options.Board.ClearFailure(cookie)
	return d, true
}

// serve has the dial made.
func (s *Server) serve(d *Dial) {
	defer s.dials.remove(d)
	if d.refused != nil {
		d.Fail(d.refused)
		return
	}
	d.startWatch()
	d.channel.run.Dial(d.ctx, d)
	// For the next one. The program that waited for this one does not any more.
	s.options.Tarpit.Prepare(d.Destination.Addr())
}

// freshCookie returns the cookie of a TCP socket that is not connected yet. Its SYN may have been sent already.
func freshCookie(fd int) (uint64, error) {
	if !tarpit.IsTCP(fd) {
		return 0, errNotFresh
	}
	state, err := tarpit.StateOf(fd)
	if err != nil {
		return 0, err
	}
	if state != tarpit.Closed && state != tarpit.SynSent {
		return 0, errNotFresh
	}
	return tarpit.Cookie(fd)
}
