package node

import (
	"sync"

	"tailscale.com/ipn"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// stateCell holds the node's state and tells of its changes in order.
type stateCell struct {
	tell func(state message.State, detail string)

	mu    sync.Mutex
	state message.State
}

func (c *stateCell) get() message.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == "" {
		return message.StateStopped
	}
	return c.state
}

// set tells while it holds the lock, so that changes arrive in order. The end is final.
func (c *stateCell) set(state message.State, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == state || c.state == message.StateStopped {
		return
	}
	c.state = state
	if c.tell != nil {
		c.tell(state, detail)
	}
}

// follow returns the state that Tailscale's means. NeedsLogin says nothing by itself: with an auth key it is
// passed on the way, and without one the address to log in at follows.
func follow(state ipn.State) (message.State, bool) {
	switch state {
	case ipn.Running:
		return message.StateRunning, true
	case ipn.NeedsMachineAuth:
		return message.StateNeedsApproval, true
	case ipn.Starting:
		return message.StateStarting, true
	}
	return "", false
}
