package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// Dial implements dialsocket.Run.
func (s *server) Dial(ctx context.Context, dial *dialsocket.Dial) {
	destination := dial.Destination.String()
	s.events.tell(event{Event: "dial", Destination: destination, PID: dial.PID})
	err := s.dial(ctx, dial)
	switch {
	case err == nil:
		return
	case errors.Is(context.Cause(ctx), dialsocket.ErrClosed):
		dial.Fail(err)
		s.events.tell(event{Event: "cancelled", Destination: destination})
	default:
		dial.Fail(err)
		s.events.tell(event{Event: "failed", Destination: destination, Code: message.CodeOf(err)})
	}
}

func (s *server) dial(ctx context.Context, dial *dialsocket.Dial) error {
	now := s.settings.get()
	if now.isResolver(dial.Destination) {
		return s.join(dial, s.serveDNS)
	}
	if err := wait(ctx, now.delay()); err != nil {
		return err
	}
	target, err := now.target(now.Hosts, dial.Destination)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", target)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	remote, err := splice.NewHost(conn.(*net.TCPConn))
	if err != nil {
		conn.Close()
		return err
	}
	err = s.join(dial, func(program *splice.Socket) {
		s.joined.add(remote)
		defer s.joined.remove(remote)
		var counters splice.Counters
		// A connection that is cut is the program's or its server's doing, which each of them sees.
		_ = splice.Join(program, remote, nil, &s.pool, &counters)
	})
	if err != nil {
		remote.Abort()
	}
	return err
}

// join completes the program's connection and has serve run with it.
func (s *server) join(dial *dialsocket.Dial, serve func(*splice.Socket)) error {
	program, err := dial.Join()
	if err != nil {
		return err
	}
	s.events.tell(event{Event: "joined", Destination: dial.Destination.String()})
	s.joined.add(program)
	s.tasks.Go(func() {
		defer s.joined.remove(program)
		serve(program)
	})
	return nil
}

func wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// joined are the connections to reset at the end.
type joined struct {
	mu    sync.Mutex
	ended bool
	sides map[splice.Side]struct{}
}

func (j *joined) add(side splice.Side) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		side.Abort()
		return
	}
	if j.sides == nil {
		j.sides = map[splice.Side]struct{}{}
	}
	j.sides[side] = struct{}{}
}

func (j *joined) remove(side splice.Side) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.sides, side)
}

func (j *joined) abort() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
	for side := range j.sides {
		side.Abort()
	}
}
