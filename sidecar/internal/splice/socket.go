package splice

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is a connection of the host's kernel that was made by hand. It costs a third of the system calls that a
// [Host] of a net.TCPConn does, which a program waits for.
type Socket struct {
	file   *os.File
	raw    syscall.RawConn
	local  netip.AddrPort
	remote netip.AddrPort
}

// NewSocket takes over a connected, non-blocking descriptor that is set to be reset when it closes, as [NewHost]
// sets it.
func NewSocket(fd int, local, remote netip.AddrPort) (*Socket, error) {
	file := os.NewFile(uintptr(fd), "tcp")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Socket{file: file, raw: raw, local: local, remote: remote}, nil
}

// Prepare sets a TCP socket up as [NewSocket] takes it, or closes it. What one side wrote in pieces was its choice, so that
// nothing waits for more.
func Prepare(fd int) error {
	err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err != nil {
		unix.Close(fd)
	}
	return err
}

func (s *Socket) next(pool *Pool) (*[]byte, int, error) {
	buffer, n, err := nextOf(s.raw, pool)
	return buffer, n, s.named("read", err)
}

// Read reads what has come, for what comes before the splice.
func (s *Socket) Read(p []byte) (int, error) {
	n, err := s.file.Read(p)
	return n, s.named("read", err)
}

func (s *Socket) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	return n, s.named("write", err)
}

// named says of a failure which connection it was.
func (s *Socket) named(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	if errors.Is(err, os.ErrClosed) {
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: net.TCPAddrFromAddrPort(s.remote), Err: err}
}

func (s *Socket) CloseWrite() error {
	return s.named("shutdown", s.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }))
}

// Abort resets the connection.
func (s *Socket) Abort() {
	// A descriptor that is closed already has been reset, or has ended in order.
	_ = s.linger(1)
	_ = s.file.Close()
}

// Close ends the connection in order: what was written still arrives.
func (s *Socket) Close() error {
	return errors.Join(s.linger(0), s.file.Close())
}

func (s *Socket) linger(on int32) error {
	return s.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: on})
	})
}

func (s *Socket) control(call func(fd int) error) error {
	var failed error
	err := s.raw.Control(func(fd uintptr) { failed = call(int(fd)) })
	return errors.Join(err, failed)
}

// The rest makes it a net.Conn, for those who serve the program themselves.

func (s *Socket) LocalAddr() net.Addr                { return net.TCPAddrFromAddrPort(s.local) }
func (s *Socket) RemoteAddr() net.Addr               { return net.TCPAddrFromAddrPort(s.remote) }
func (s *Socket) SetDeadline(t time.Time) error      { return s.file.SetDeadline(t) }
func (s *Socket) SetReadDeadline(t time.Time) error  { return s.file.SetReadDeadline(t) }
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.file.SetWriteDeadline(t) }

// Local returns our end's address.
func (s *Socket) Local() netip.AddrPort { return s.local }
