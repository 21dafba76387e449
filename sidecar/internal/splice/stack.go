package splice

import (
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/processors"
)

// Conn is a connection of a stack in this process; internal/netstack has one.
type Conn interface {
	// TryRead returns 0, nil when there is nothing to read yet. io.EOF is an orderly end.
	TryRead(p []byte) (int, error)
	// AwaitReadable waits until TryRead may have something.
	AwaitReadable()
	Write(p []byte) (int, error)
	CloseWrite() error
	Abort()
	Close() error
	Local() netip.AddrPort
}

// Stack is a connection of TailProxy's own stack.
type Stack struct{ Conn }

func (s Stack) next(pool *Pool) (*[]byte, int, error) {
	for {
		buffer := pool.get()
		n, err := s.TryRead(*buffer)
		if n > 0 {
			processors.Received(n)
			return buffer, n, nil
		}
		pool.put(buffer)
		if err != nil {
			return nil, 0, err
		}
		s.AwaitReadable()
	}
}
