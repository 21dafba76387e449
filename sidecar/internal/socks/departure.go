package socks

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// WatchDeparture calls left when the client leaves (EOF or reset) or is closed before stop is called, and reads nothing from
// it. A client that sent bytes ahead and then closed its sending side only has not left: it waits for the
// answer. stop waits for the watch to end.
func (c *Client) WatchDeparture(early bool, left func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	conn := c.host.Conn()
	go func() {
		defer close(done)
		raw, err := conn.SyscallConn()
		if err != nil {
			return
		}
		gone := false
		err = raw.Read(func(fd uintptr) bool {
			gone = departed(int(fd), early)
			return gone
		})
		// The deadline of stop comes here too; a connection that was closed has been left by us.
		if ctx.Err() == nil && (gone || errors.Is(err, net.ErrClosed)) {
			left()
		}
	}()
	return func() {
		cancel()
		conn.SetReadDeadline(time.Unix(1, 0))
		<-done
		conn.SetReadDeadline(time.Time{})
	}
}

func departed(fd int, early bool) bool {
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	if _, err := unix.Poll(polled, 0); err != nil {
		return false
	}
	if polled[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
		return true
	}
	if polled[0].Revents&unix.POLLRDHUP == 0 {
		return false
	}
	var one [1]byte
	n, _, err := unix.Recvfrom(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil {
		return err != unix.EAGAIN && err != unix.EINTR
	}
	return n == 0 && !early
}
