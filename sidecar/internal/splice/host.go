package splice

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Host is a connection of the host's kernel.
type Host struct {
	conn *net.TCPConn
	raw  syscall.RawConn
}

// NewHost takes conn over. Until [Host.Close] it is set to be reset when its descriptor closes: if this process
// is killed, the program at the other end sees a reset and not an end.
func NewHost(conn *net.TCPConn) (*Host, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("taking a connection over: %w", err)
	}
	if err := conn.SetLinger(0); err != nil {
		return nil, fmt.Errorf("taking a connection over: %w", err)
	}
	return &Host{conn: conn, raw: raw}, nil
}

// Conn returns the connection, for what comes before the splice.
func (h *Host) Conn() *net.TCPConn { return h.conn }

func (h *Host) next(pool *Pool) (*[]byte, int, error) {
	buffer, n, err := nextOf(h.raw, pool)
	if errno, ok := err.(syscall.Errno); ok {
		err = &net.OpError{Op: "read", Net: "tcp", Addr: h.conn.RemoteAddr(), Err: errno}
	}
	return buffer, n, err
}

// nextOf reads a descriptor of the kernel. A buffer is taken only when the descriptor is readable.
func nextOf(raw syscall.RawConn, pool *Pool) (buffer *[]byte, n int, err error) {
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		buffer = pool.get()
		for {
			n, failed = unix.Read(int(fd), *buffer)
			if failed != unix.EINTR {
				break
			}
		}
		if failed == unix.EAGAIN {
			pool.put(buffer)
			buffer = nil
			return false
		}
		return true
	})
	if err == nil {
		err = failed
	}
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil && buffer != nil {
		pool.put(buffer)
		buffer = nil
	}
	return buffer, max(n, 0), err
}

func (h *Host) Write(p []byte) (int, error) { return h.conn.Write(p) }

func (h *Host) CloseWrite() error { return h.conn.CloseWrite() }

// Abort resets the connection.
func (h *Host) Abort() {
	h.conn.SetLinger(0)
	h.conn.Close()
}

// Close ends the connection in order: what was written still arrives.
func (h *Host) Close() error {
	h.conn.SetLinger(-1)
	return h.conn.Close()
}

// Local returns our end's address.
func (h *Host) Local() netip.AddrPort { return localOf(h.conn) }
