package datagram

import (
	"context"
	"net/netip"
	"os"
)

// maxQueries is how many queries of one flow may be under way. Beyond that they are lost, as at a busy server, and
// their sender asks again.
const maxQueries = 64

// Answer answers a DNS message; nil is no answer at all.
type Answer func(ctx context.Context, query []byte) []byte

// resolver is a far side that is nowhere: queries are answered here.
type resolver struct {
	answer  Answer
	ctx     context.Context
	cancel  context.CancelFunc
	slots   chan struct{}
	answers chan []byte
}

// NewResolver makes a far side that answers DNS.
func NewResolver(answer Answer) Remote {
	ctx, cancel := context.WithCancel(context.Background())
	return &resolver{
		answer:  answer,
		ctx:     ctx,
		cancel:  cancel,
		slots:   make(chan struct{}, maxQueries),
		answers: make(chan []byte, maxQueries),
	}
}

func (r *resolver) send(batch *Batch) error {
	for i := range batch.count {
		query, ok := batch.datagram(i)
		if !ok {
			continue
		}
		select {
		case r.slots <- struct{}{}:
		default:
			continue
		}
		query = append([]byte(nil), query...)
		go func() {
			defer func() { <-r.slots }()
			answer := r.answer(r.ctx, query)
			if answer == nil || len(answer) > bufferSize {
				return
			}
			select {
			case r.answers <- answer:
			case <-r.ctx.Done():
			}
		}()
	}
	return nil
}

func (r *resolver) next(pool *Pool) (*Batch, error) {
	select {
	case answer := <-r.answers:
		batch := pool.get()
		batch.add(copy(batch.next(), answer))
		return batch, nil
	case <-r.ctx.Done():
		return nil, os.ErrClosed
	}
}

func (r *resolver) Close() { r.cancel() }

func (r *resolver) Local() netip.AddrPort { return netip.AddrPort{} }
