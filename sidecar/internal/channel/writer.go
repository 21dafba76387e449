package channel

import (
	"io"
	"sync"
)

// maxPending is how many bytes may wait for a reader that is slow before senders wait too.
const maxPending = 4 * MaxLine

// maxSpare is the largest buffer kept for the next batch.
const maxSpare = 256 << 10

// batchWriter writes lines in the order they were added. Whoever adds to an idle writer writes, in
// its own goroutine; what others add meanwhile is written after that by another.
type batchWriter struct {
	w io.Writer

	mu      sync.Mutex
	changed sync.Cond // pending shrank, the writer went idle, or it failed
	pending []byte
	spare   []byte
	writing bool
	err     error
}

func newBatchWriter(w io.Writer) *batchWriter {
	b := &batchWriter{w: w}
	b.changed.L = &b.mu
	return b
}

// add sends the line that encode appends. An error of encode is returned and nothing is sent.
func (b *batchWriter) add(encode func(dst []byte) ([]byte, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil && b.writing && len(b.pending) > maxPending {
		b.changed.Wait()
	}
	if b.err != nil {
		return b.err
	}
	before := len(b.pending)
	line, err := encode(b.pending)
	if err != nil {
		b.pending = b.pending[:before]
		return err
	}
	if len(line)-before > MaxLine {
		b.pending = line[:before]
		return errLineTooLong
	}
	b.pending = line
	if b.writing {
		return nil
	}
	b.writing = true
	b.write()
	if b.err == nil && len(b.pending) > 0 {
		// Not for long enough to find out how much others have to say: the caller may be the
		// goroutine that reads.
		go b.drain()
		return nil
	}
	b.writing = false
	b.changed.Broadcast()
	return b.err
}

// drain writes until nothing is left.
func (b *batchWriter) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil && len(b.pending) > 0 {
		b.write()
	}
	b.writing = false
	b.changed.Broadcast()
}

// write writes what is pending. It lets go of the lock meanwhile.
func (b *batchWriter) write() {
	batch := b.pending
	b.pending = b.spare[:0]
	b.spare = nil
	b.mu.Unlock()
	_, err := b.w.Write(batch)
	b.mu.Lock()
	if err != nil && b.err == nil {
		b.err = err
	}
	if cap(batch) <= maxSpare {
		b.spare = batch
	}
	b.changed.Broadcast()
}

// flush waits until all that was added has been written, or the writer failed.
func (b *batchWriter) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.err == nil && (b.writing || len(b.pending) > 0) {
		b.changed.Wait()
	}
}

// fail makes every later and waiting add return err.
func (b *batchWriter) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.changed.Broadcast()
}
