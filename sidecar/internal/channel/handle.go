package channel

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// HandleRequest answers method with what handle returns, from a goroutine of its own. The context
// is done when the session ends. An error is answered with the code message.FromError gives it.
func HandleRequest[P, R any](c *Conn, method string, handle func(context.Context, P) (R, error)) {
	HandleInOrder(c, method, func(ctx context.Context, params P, answer func(R, error)) {
		go func() { answer(handle(ctx, params)) }()
	})
}

// HandleInOrder runs handle in read order with events and other such requests. It must not wait;
// whoever it leaves the work to calls answer, once, later. A second answer is dropped.
func HandleInOrder[P, R any](c *Conn, method string, handle func(ctx context.Context, params P, answer func(R, error))) {
	c.requests[method] = func(c *Conn, env envelope) {
		params, err := message.Decode[P](env.body)
		if err != nil {
			c.refuse(env.id, message.Errorf(message.Protocol, "%s: %w", env.name, err))
			return
		}
		var answered atomic.Bool
		handle(c.ctx, params, func(result R, err error) {
			if answered.Swap(true) {
				return
			}
			if err != nil {
				c.refuse(env.id, err)
				return
			}
			sent := c.out.add(func(dst []byte) ([]byte, error) { return appendResult(dst, env.id, result) })
			if errors.Is(sent, errLineTooLong) {
				c.refuse(env.id, message.Wrap(message.Internal, sent))
				return
			}
			c.writeFailed(sent)
		})
	}
}

// HandleEvent runs handle for each such event, in read order. It must not wait.
func HandleEvent[P any](c *Conn, event string, handle func(P)) {
	c.events[event] = func(env envelope) error {
		params, err := message.Decode[P](env.body)
		if err != nil {
			return err
		}
		handle(params)
		return nil
	}
}
