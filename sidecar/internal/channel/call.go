package channel

import (
	"context"
	"fmt"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// Notify sends an event. It returns once the event is written or left to the goroutine that writes.
func (c *Conn) Notify(event string, params any) error {
	err := c.out.add(func(dst []byte) ([]byte, error) { return appendEvent(dst, event, params) })
	return c.notSent(event, err)
}

// Call sends a request and waits for its answer. An error the peer answered is a *message.Error.
// When ctx ends first, its answer is dropped should it still come.
func Call[R any](ctx context.Context, c *Conn, method string, params any) (R, error) {
	var result, none R
	answered := make(chan error, 1)
	id, err := c.send(method, params, func(env envelope) error {
		if env.shape == shapeError {
			answered <- env.err
			return nil
		}
		var err error
		if result, err = message.Decode[R](env.body); err != nil {
			return err
		}
		answered <- nil
		return nil
	})
	if err != nil {
		return none, err
	}
	select {
	case err := <-answered:
		return result, err
	case <-c.Done():
		return none, c.Err()
	case <-ctx.Done():
		c.abandon(id)
		return none, fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}

// send numbers requests in the order in which they are written.
func (c *Conn) send(method string, params any, settle func(envelope) error) (uint64, error) {
	var id uint64
	err := c.out.add(func(dst []byte) ([]byte, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended {
			return dst, c.errLocked()
		}
		c.lastOut++
		id = c.lastOut
		line, err := appendRequest(dst, id, method, params)
		if err == nil {
			c.calls[id] = &call{settle: settle}
		}
		return line, err
	})
	if err != nil {
		c.mu.Lock()
		delete(c.calls, id)
		c.mu.Unlock()
		return 0, c.notSent(method, err)
	}
	return id, nil
}

// abandon remembers that the answer to id, if there is one still to come, is to be dropped.
func (c *Conn) abandon(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if pending, ok := c.calls[id]; ok {
		pending.abandoned = true
	}
}

// settle hands an answer to its call. It runs in the goroutine that reads.
func (c *Conn) settle(env envelope) error {
	c.mu.Lock()
	pending, ok := c.calls[env.id]
	delete(c.calls, env.id)
	abandoned := ok && pending.abandoned
	ended := c.ended
	c.mu.Unlock()
	switch {
	case ended || abandoned:
		return nil
	case !ok:
		return fmt.Errorf("an answer to %d, which was not asked", env.id)
	}
	if err := pending.settle(env); err != nil {
		return fmt.Errorf("answer to %d: %w", env.id, err)
	}
	return nil
}

func (c *Conn) notSent(name string, err error) error {
	if err == nil {
		return nil
	}
	if ended := c.Err(); ended != nil {
		return ended
	}
	return fmt.Errorf("sending %s: %w", name, err)
}
