package splice

import (
	"net"
	"net/netip"
)

// Side is one of two joined connections.
type Side interface {
	// next waits for bytes and returns them in a buffer of pool, which is only taken when there are some. The
	// caller gives it back. io.EOF is an orderly end.
	next(pool *Pool) (buffer *[]byte, n int, err error)
	Write(p []byte) (int, error)
	// CloseWrite sends FIN.
	CloseWrite() error
	// Abort sends RST. It may be called at any time and more than once.
	Abort()
	// Close ends the connection in order. It is for after both directions are done.
	Close() error
	// Local is our end's address.
	Local() netip.AddrPort
}

func localOf(conn net.Conn) netip.AddrPort {
	if addr, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		local := addr.AddrPort()
		return netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	}
	return netip.AddrPort{}
}
