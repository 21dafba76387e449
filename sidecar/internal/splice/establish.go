package splice

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Establish calls connect now and whenever the descriptor may have become writable, until it says neither EINPROGRESS nor
// EALREADY. When ctx ends first it fails with its cause.
func (s *Socket) Establish(ctx context.Context, connect func(fd int) error) error {
	stop := context.AfterFunc(ctx, func() {
		// It is connected by now, or will be aborted.
		_ = s.file.SetWriteDeadline(time.Unix(1, 0))
	})
	var failed error
	err := s.raw.Write(func(fd uintptr) bool {
		failed = connect(int(fd))
		return !errors.Is(failed, unix.EINPROGRESS) && !errors.Is(failed, unix.EALREADY)
	})
	switch {
	case !stop():
		return context.Cause(ctx)
	case errors.Is(err, os.ErrClosed):
		return s.named("connect", err)
	case err != nil:
		return err
	}
	return failed
}
