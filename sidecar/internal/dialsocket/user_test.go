package dialsocket

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// connectAs connects as another user: the credentials of one thread are changed and the thread is thrown away.
func connectAs(t *testing.T, uid int, path string) int {
	t.Helper()
	result := make(chan int)
	var failed error
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		fd := -1
		defer func() { result <- fd }()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			failed = errno
			return
		}
		fd, failed = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if failed == nil {
			failed = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		}
	}()
	fd := <-result
	if failed != nil {
		t.Fatal(failed)
	}
	return fd
}

// hasEnded reports whether the other side has closed; one that is served never does.
func hasEnded(t *testing.T, fd int, served bool) bool {
	t.Helper()
	if served {
		_, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_DONTWAIT)
		return err != unix.EAGAIN
	}
	n, _, err := unix.Recvfrom(fd, make([]byte, 1), 0)
	return n <= 0 && (err == nil || err == unix.ECONNRESET)
}
