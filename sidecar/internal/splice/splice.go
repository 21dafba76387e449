package splice

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tailproxy/tailproxy/sidecar/internal/deep"
)

// Counters of one flow, in bytes. They may be read while it runs.
type Counters struct {
	// Up is from the program, Down to it.
	Up, Down atomic.Uint64
}

// Join copies both ways until both are done and closes both sides. early goes to remote before anything else;
// it is what the program sent ahead. The error is why the flow was cut; nil means that both ended in order.
func Join(program, remote Side, early []byte, pool *Pool, counters *Counters) error {
	var cut cutOnce
	abort := func(err error) {
		cut.set(err)
		program.Abort()
		remote.Abort()
	}
	var ends atomic.Int32
	// The second end is left to Close, which tells it too: one packet and one system call less for each connection.
	end := func(to Side) error {
		if ends.Add(1) == 2 {
			return nil
		}
		return closeWrite(to)
	}
	var down sync.WaitGroup
	down.Go(func() {
		deep.Stack()
		err := pump(remote, program, pool, &counters.Down)
		if err == nil {
			err = end(program)
		}
		if err != nil {
			abort(err)
		}
	})
	err := func() error {
		if len(early) > 0 {
			n, err := remote.Write(early)
			counters.Up.Add(uint64(n))
			if err != nil {
				return err
			}
		}
		if err := pump(program, remote, pool, &counters.Up); err != nil {
			return err
		}
		return end(remote)
	}()
	if err != nil {
		abort(err)
	}
	down.Wait()
	if err := cut.get(); err != nil {
		return err
	}
	program.Close()
	remote.Close()
	return nil
}

// pump copies one direction to its end.
func pump(from, to Side, pool *Pool, count *atomic.Uint64) error {
	for {
		buffer, n, err := from.next(pool)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		written, err := to.Write((*buffer)[:n])
		pool.put(buffer)
		count.Add(uint64(written))
		if err != nil {
			return err
		}
	}
}

// closeWrite passes an end on. A side that has no connection any more has nobody to tell.
func closeWrite(to Side) error {
	err := to.CloseWrite()
	if errors.Is(err, syscall.ENOTCONN) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// cutOnce keeps the first reason.
type cutOnce struct {
	mu  sync.Mutex
	err error
}

func (c *cutOnce) set(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

func (c *cutOnce) get() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
