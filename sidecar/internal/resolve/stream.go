package resolve

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"
)

const (
	// streamIdle is how long a connection may be silent, or not take what it asked for: RFC 7766 section 6.2.3.
	streamIdle = 10 * time.Second
	// maxUnderWay bounds the queries of one connection that are not answered yet. The next is not read before.
	maxUnderWay = 64
)

// ServeStream answers DNS over TCP (RFC 7766) until the client ends or is idle, or ctx ends, and closes conn. Queries
// are answered as their answers come, not in their order.
func (d *DNS) ServeStream(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{dns: d, conn: conn, cancel: cancel, underWay: make(chan struct{}, maxUnderWay)}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s.read(ctx)
	// A client that has shut its side, or waits in silence, still gets what it asked for.
	s.answers.Wait()
	stop()
	cancel()
	conn.Close()
}

type stream struct {
	dns      *DNS
	conn     net.Conn
	cancel   context.CancelFunc
	underWay chan struct{}
	answers  sync.WaitGroup

	writing sync.Mutex
}

func (s *stream) read(ctx context.Context) {
	for {
		select {
		case s.underWay <- struct{}{}:
		case <-ctx.Done():
			return
		}
		query, err := s.next()
		if err != nil {
			return
		}
		s.answers.Go(func() {
			defer func() { <-s.underWay }()
			answer := s.dns.Answer(ctx, query, MaxMessage)
			if answer == nil || s.write(answer) != nil {
				s.cancel()
			}
		})
	}
}

// next reads a query.
func (s *stream) next() ([]byte, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(streamIdle)); err != nil {
		return nil, err
	}
	return readFrame(s.conn)
}

func (s *stream) write(answer []byte) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(answer)), uint16(len(answer)))
	framed = append(framed, answer...)
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(streamIdle)); err != nil {
		return err
	}
	_, err := s.conn.Write(framed)
	return err
}
