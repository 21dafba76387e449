package datagram

import (
	"errors"
	"net/netip"
	"syscall"

	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// stack is an endpoint of TailProxy's own stack.
type stack struct {
	conn *netstack.PacketConn
	// failed came after datagrams that were returned first.
	failed error
}

// DialStack makes a far side of an endpoint of the stack: for what is reached through the tailnet.
func DialStack(on *netstack.Stack, destination netip.AddrPort) (Remote, error) {
	conn, err := on.DialUDP(destination)
	if err != nil {
		return nil, err
	}
	return &stack{conn: conn}, nil
}

func (s *stack) next(pool *Pool) (*Batch, error) {
	for {
		if err := s.failed; err != nil {
			s.failed = nil
			return nil, err
		}
		batch := pool.get()
		for buffer := batch.next(); buffer != nil && s.failed == nil; buffer = batch.next() {
			n, ok, err := s.conn.TryRead(buffer)
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
			s.conn.AwaitReadable()
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
		err := s.conn.Write(datagram)
		if isRefusal(err) {
			// An earlier one's: this one was not sent.
			refused = err
			err = s.conn.Write(datagram)
		}
		if err != nil && !isRefusal(err) && !errors.Is(err, syscall.EMSGSIZE) {
			return err
		}
	}
	return refused
}

func (s *stack) Close() { s.conn.Close() }

func (s *stack) Local() netip.AddrPort { return s.conn.Local() }
