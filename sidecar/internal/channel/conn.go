package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// ErrClosed is in the chain of every error of a channel that has ended.
var ErrClosed = fmt.Errorf("the sidecar channel is closed: %w", net.ErrClosed)

var errLineTooLong = fmt.Errorf("a message is longer than %d bytes", MaxLine)

// finishLimit is how long Finish waits for a peer that does not read.
const finishLimit = 2 * time.Second

// Conn is one end of a channel. Register handlers first, then call Serve.
type Conn struct {
	rwc      io.ReadWriteCloser
	out      *batchWriter
	requests map[string]requestHandler
	events   map[string]eventHandler
	guard    func(method string) error

	ctx    context.Context
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	ended   bool
	reason  error // nil after an orderly end
	lastOut uint64
	calls   map[uint64]*call

	lastIn uint64 // of Serve alone
}

// call is a request that waits for its answer.
type call struct {
	// settle takes the answer, in the goroutine that reads.
	settle func(env envelope) error
	// abandoned says that nobody waits any more.
	abandoned bool
}

type requestHandler func(c *Conn, env envelope)

type eventHandler func(env envelope) error

// New returns an end that speaks on rwc and owns it.
func New(rwc io.ReadWriteCloser) *Conn {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Conn{
		rwc:      rwc,
		out:      newBatchWriter(rwc),
		requests: map[string]requestHandler{},
		events:   map[string]eventHandler{},
		calls:    map[uint64]*call{},
		ctx:      ctx,
		cancel:   cancel,
	}
}

// Guard sets a check that runs before every request and event, in read order. Its error answers the
// request; for an event it ends the session. Set it before Serve.
func (c *Conn) Guard(check func(name string) error) { c.guard = check }

// Context is done when the session has ended. Requests run under it.
func (c *Conn) Context() context.Context { return c.ctx }

// Done is closed when the session has ended.
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

// Err returns nil until the session has ended, and then why: ErrClosed after an orderly end, else
// an error with ErrClosed and the reason in its chain.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errLocked()
}

func (c *Conn) errLocked() error {
	switch {
	case !c.ended:
		return nil
	case c.reason == nil:
		return ErrClosed
	default:
		return fmt.Errorf("%w: %w", ErrClosed, c.reason)
	}
}

// End ends the session at once for reason; nil is an orderly end. Only the first call counts.
func (c *Conn) End(reason error) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended = true
	c.reason = reason
	err := c.errLocked()
	c.calls = nil
	c.mu.Unlock()

	c.out.fail(err)
	c.cancel(err)
	c.rwc.Close()
}

// Finish ends the session in order, after what was sent has been written.
func (c *Conn) Finish() {
	late := time.AfterFunc(finishLimit, func() { c.End(nil) })
	defer late.Stop()
	c.out.flush()
	c.End(nil)
}

// Serve reads until the session ends and returns the reason: nil when either side closed the
// channel in order.
func (c *Conn) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { c.End(context.Cause(ctx)) })
	defer stop()
	c.End(c.read())
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

func (c *Conn) read() error {
	lines := newLineReader(c.rwc)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) || peerIsGone(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the channel: %w", err)
		}
		if err := c.receive(line); err != nil {
			return fmt.Errorf("protocol error on the channel: %w", err)
		}
	}
}

func (c *Conn) receive(line []byte) error {
	env, err := decodeEnvelope(line)
	if err != nil {
		return err
	}
	switch env.shape {
	case shapeRequest:
		return c.request(env)
	case shapeEvent:
		return c.event(env)
	default:
		return c.settle(env)
	}
}

func (c *Conn) request(env envelope) error {
	if env.id <= c.lastIn {
		return fmt.Errorf("request id %d after %d", env.id, c.lastIn)
	}
	c.lastIn = env.id
	if c.guard != nil {
		if err := c.guard(env.name); err != nil {
			c.refuse(env.id, err)
			return nil
		}
	}
	handle, ok := c.requests[env.name]
	if !ok {
		c.refuse(env.id, message.Errorf(message.Protocol, "there is no method %.40q", env.name))
		return nil
	}
	handle(c, env)
	return nil
}

func (c *Conn) event(env envelope) error {
	if c.guard != nil {
		if err := c.guard(env.name); err != nil {
			return err
		}
	}
	handle, ok := c.events[env.name]
	if !ok {
		return fmt.Errorf("there is no event %.40q", env.name)
	}
	if err := handle(env); err != nil {
		return fmt.Errorf("event %s: %w", env.name, err)
	}
	return nil
}

func (c *Conn) refuse(id uint64, err error) {
	failure := message.FromError(err)
	sent := c.out.add(func(dst []byte) ([]byte, error) { return appendError(dst, id, failure) })
	c.writeFailed(sent)
}

// writeFailed ends the session when an answer could not be written.
func (c *Conn) writeFailed(err error) {
	switch {
	case err == nil:
	case peerIsGone(err):
		c.End(nil)
	default:
		c.End(fmt.Errorf("writing the channel: %w", err))
	}
}

// peerIsGone says whether err is what a process sees whose peer closed the channel, or died, with
// messages unread. That is an end in order: the peer has heard what it wanted to hear.
func peerIsGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
