// Package lockrole is the role lock of the sidecar: it locks a file for the process that started it. Node has no flock(2).
package lockrole

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrBusy is that somebody else has the lock, and nobody wants to wait for it.
var ErrBusy = errors.New("the file is locked by another process")

// Lock takes the exclusive lock of the open file description behind fd. Whoever else has that, which the process has inherited
// it from, holds the lock when this one has ended (flock(2)).
func Lock(fd int, wait bool) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	// What execve(2) has left open has no such flag. A number that nobody has given is Go's own by now: the cgroup's limits,
	// which can be locked as well.
	if err == nil && flags&unix.FD_CLOEXEC != 0 {
		err = unix.EBADF
	}
	if err != nil {
		return fmt.Errorf("locking file descriptor %d: %w", fd, err)
	}
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		err := unix.Flock(fd, how)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrBusy
		default:
			return fmt.Errorf("locking file descriptor %d: %w", fd, err)
		}
	}
}
