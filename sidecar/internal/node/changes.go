package node

import "sync"

// changes wakes those who wait for another Self, or another state.
type changes struct {
	mu      sync.Mutex
	changed chan struct{}
}

func (c *changes) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// next is closed at the next change. Ask for it before looking at what may change.
func (c *changes) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}
