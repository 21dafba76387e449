package board

import (
	"syscall"
)

const failureBuckets = 4_096

type failures struct {
	table
	// oldest is the entry of a bucket to be replaced next.
	oldest [failureBuckets]uint8
}

func failureBucket(cookie uint64) int { return int(cookie * 0x9e3779b97f4a7c15 >> 52) }

func failureAt(bucket, way int) int { return failuresAt + (bucket*ways+way)*failureSize }

// SetFailure says with which errno the last dial of a socket failed.
func (b *Board) SetFailure(cookie uint64, errno syscall.Errno) {
	if !b.open(&b.failures.table) {
		return
	}
	defer b.failures.Unlock()
	bucket := failureBucket(cookie)
	offset, ok := b.findFailure(bucket, cookie)
	if !ok {
		offset, ok = b.findFailure(bucket, 0)
	}
	if !ok {
		offset = failureAt(bucket, int(b.failures.oldest[bucket]))
		b.failures.oldest[bucket] = (b.failures.oldest[bucket] + 1) % ways
	}
	b.store64(offset, 0)
	b.store64(offset+8, uint64(errno))
	b.store64(offset, cookie)
}

// ClearFailure takes a failure back, if there is one.
func (b *Board) ClearFailure(cookie uint64) {
	if !b.open(&b.failures.table) {
		return
	}
	defer b.failures.Unlock()
	if offset, ok := b.findFailure(failureBucket(cookie), cookie); ok {
		b.store64(offset, 0)
	}
}

func (b *Board) findFailure(bucket int, cookie uint64) (offset int, ok bool) {
	for way := range ways {
		if offset = failureAt(bucket, way); b.load64(offset) == cookie {
			return offset, true
		}
	}
	return 0, false
}
