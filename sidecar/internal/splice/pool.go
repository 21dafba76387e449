package splice

import "sync"

// BufferSize is how much is moved at once, in bytes.
const BufferSize = 64 << 10

// Pool lends buffers. A connection holds one only while bytes pass, so that idle ones cost none.
type Pool struct{ pool sync.Pool }

func (p *Pool) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, BufferSize)
	return &b
}

func (p *Pool) put(b *[]byte) { p.pool.Put(b) }
