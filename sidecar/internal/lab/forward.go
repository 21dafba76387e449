package lab

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	forwardDialLimit = 10 * time.Second
	udpIdle          = 2 * time.Minute
)

func idleUntil() time.Time { return time.Now().Add(udpIdle) }

// forward makes a tailnet port of the node forward to a target on loopback, TCP and UDP.
func (n *node) forward(f Forward) error {
	err := n.handle(f.Port, func(conn net.Conn) {
		dialer := net.Dialer{Timeout: forwardDialLimit}
		target, err := dialer.DialContext(n.ctx, "tcp", f.Target.String())
		if err != nil {
			abort(conn)
			return
		}
		splice(conn, target)
	})
	if err == nil {
		n.forwardUDP(f)
	}
	return err
}

// splice copies both ways until both have ended. The end of one direction (FIN) is passed on alone; a
// reset resets the other side.
func splice(a, b net.Conn) {
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		err := copyStream(to, from)
		if err == nil {
			err = closeWrite(to)
		}
		if err != nil {
			// Both at once: the other copy must not wait for a side that is gone.
			abort(a)
			abort(b)
		}
	}
	both.Go(func() { pass(a, b) })
	both.Go(func() { pass(b, a) })
	both.Wait()
	a.Close()
	b.Close()
}

// copyStream returns nil at the end of from (FIN) and an error for anything else.
func copyStream(to, from net.Conn) (err error) {
	withBuffer(func(buf []byte) {
		for {
			size, readErr := from.Read(buf)
			if size > 0 {
				if _, err = to.Write(buf[:size]); err != nil {
					return
				}
			}
			if errors.Is(readErr, io.EOF) {
				return
			}
			if readErr != nil {
				err = readErr
				return
			}
		}
	})
	return err
}

func closeWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("the connection cannot be closed one way")
	}
	// The other side may have ended the connection just now; then there is nothing left to close.
	if err := half.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
