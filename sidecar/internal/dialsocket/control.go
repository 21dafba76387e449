package dialsocket

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// controlLimit is how long a control socket may take to have a place for one more connection.
const controlLimit = 2 * time.Second

// ConnectControl connects to the control socket at path, as a program does (docs/control-protocol.md). The descriptor
// blocks, which is what the library expects of one, and is the caller's. ENOENT: there is none, also for an empty path.
func ConnectControl(path string) (int, error) {
	if path == "" {
		return -1, fmt.Errorf("connecting to the control socket: %w", unix.ENOENT)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("connecting to the control socket: %w", err)
	}
	if err := connectWithin(fd, path, controlLimit); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connecting to the control socket: %w", err)
	}
	return fd, nil
}

// connectWithin makes a blocking connect() that waits for a place in the listener's queue, but not for ever: unix(7), SO_SNDTIMEO.
func connectWithin(fd int, path string, limit time.Duration) error {
	timeout, none := unix.NsecToTimeval(limit.Nanoseconds()), unix.Timeval{}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout); err != nil {
		return err
	}
	err := unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	for errors.Is(err, unix.EINTR) {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		return err
	}
	return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &none)
}
