package node

import (
	"fmt"
	"path/filepath"
	"sync"

	"tailscale.com/ipn"
	"tailscale.com/ipn/store"
	"tailscale.com/types/logger"
)

// stateStore is the file of the node's keys. It takes nothing more once it is closed: what Tailscale's control client has
// queued is not waited for when its server closes, and by then the directory may be another's.
type stateStore struct {
	ipn.StateStore

	mu     sync.Mutex
	closed bool
}

func stateFile(dir string) string { return filepath.Join(dir, "tailscaled.state") }

func openStateStore(dir string, logf logger.Logf) (*stateStore, error) {
	if logf == nil {
		logf = logger.Discard
	}
	file, err := store.New(logf, stateFile(dir))
	if err != nil {
		return nil, fmt.Errorf("opening the node's keys: %w", err)
	}
	return &stateStore{StateStore: file}, nil
}

// WriteState implements ipn.StateStore.
func (s *stateStore) WriteState(id ipn.StateKey, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrStopped
	}
	return s.StateStore.WriteState(id, value)
}

func (s *stateStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
