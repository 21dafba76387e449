package datagram

import (
	"errors"
	"net/netip"
	"syscall"
)

// Endpoint is one of a network stack in this process, connected to its destination: a netstack.PacketConn.
type Endpoint interface {
	// TryRead does not wait: ok is false when there is no datagram.
	TryRead(buffer []byte) (n int, ok bool, err error)
	// AwaitReadable returns when TryRead is worth calling again.
	AwaitReadable()
	Write(datagram []byte) error
	Close()
	Local() netip.AddrPort
}

// stack is an endpoint of TailProxy's own stack.
type stack struct {
	endpoint Endpoint
	// failed came after datagrams that were returned first.
	failed error
}

// NewStack makes a far side of an endpoint, which is the far side's from then on: for what is reached through the tailnet.
func NewStack(endpoint Endpoint) Remote { return &stack{endpoint: endpoint} }

func (s *stack) next(pool *Pool) (*Batch, error) {
	for {
		if err := s.failed; err != nil {
			s.failed = nil
			return nil, err
		}
		batch := pool.get()
		for buffer := batch.next(); buffer != nil && s.failed == nil; buffer = batch.next() {
			n, ok, err := s.endpoint.TryRead(buffer)
			s.failed = err
			if !ok {
				break
			}
			batch.add(n)
		}
		if batch.count > 0 {
			return batch, nil
		}
		pool.put(batch)
		if s.failed == nil {
			s.endpoint.AwaitReadable()
		}
	}
}

func (s *stack) send(batch *Batch) error {
	var refused error
	for i := range batch.count {
		datagram, ok := batch.datagram(i)
		if !ok {
			continue
		}
		err := s.endpoint.Write(datagram)
		if isRefusal(err) {
			// An earlier one's: this one was not sent.
			refused = err
			err = s.endpoint.Write(datagram)
		}
		switch {
		case err == nil, isRefusal(err):
		case errors.Is(err, syscall.EMSGSIZE):
			batch.lost++
		default:
			return err
		}
	}
	return refused
}

func (s *stack) Close() { s.endpoint.Close() }

func (s *stack) Local() netip.AddrPort { return s.endpoint.Local() }
