package dialsocket

import (
	"context"
	"net"
	"sync"
	"time"
)

// settleLimit is how long is waited for those who have connected and say nothing.
const settleLimit = time.Second

// unheard counts connections that were accepted and whose first message has not been looked at.
type unheard struct {
	mu    sync.Mutex
	count int
	none  chan struct{} // closed when there are none; nil while nobody waits
}

// begin counts one until heard is called for the first time.
func (u *unheard) begin() (heard func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count++
	return sync.OnceFunc(func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.count--
		if u.count == 0 && u.none != nil {
			close(u.none)
			u.none = nil
		}
	})
}

// wait returns when there are none, or ctx ends.
func (u *unheard) wait(ctx context.Context) {
	u.mu.Lock()
	if u.count == 0 {
		u.mu.Unlock()
		return
	}
	if u.none == nil {
		u.none = make(chan struct{})
	}
	none := u.none
	u.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}

// Settle returns when those who have connected by now have said whose they are, so that what a run left running is known
// when its first process has just ended. Who says nothing is waited for no longer than a second.
func (s *Server) Settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, s.options.Path)
	if err != nil {
		return // it is ending, and everything with it
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	// Connections are accepted in order: when this one has been, so have those before. Its end is answered by one.
	if conn.SetDeadline(deadline) == nil && conn.(*net.UnixConn).CloseWrite() == nil {
		_, _ = conn.Read(make([]byte, 1))
	}
	s.unheard.wait(ctx)
}
