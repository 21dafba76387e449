package splice

import (
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// Stack is a connection of TailProxy's own stack.
type Stack struct{ *netstack.Conn }

func (s Stack) next(pool *Pool) (*[]byte, int, error) {
	for {
		buffer := pool.get()
		n, err := s.TryRead(*buffer)
		if n > 0 {
			return buffer, n, nil
		}
		pool.put(buffer)
		if err != nil {
			return nil, 0, err
		}
		s.AwaitReadable()
	}
}
