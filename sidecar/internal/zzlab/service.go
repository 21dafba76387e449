package zzlab

import (
	"errors"
	"io"
	"net"
	"sync"

	"tailscale.com/types/nettype"
)

// Ports of the services of hello and exit: RFC 862, RFC 863, HTTP, RFC 864.
const (
	EchoPort    = 7
	DiscardPort = 9
	ChargenPort = 19
	HTTPPort    = 80
)

const bufferSize = 128 << 10

// buffers are shared by all that copy; each is a *[bufferSize]byte.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func withBuffer(use func(buf []byte)) {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	use(buf[:])
}

// serveAll gives the node the services of hello.
func (n *node) serveAll() {
	n.web = newWebServer(n)
	n.ports[EchoPort] = serveEcho
	n.ports[DiscardPort] = serveDiscard
	n.ports[ChargenPort] = serveChargen
	n.ports[HTTPPort] = n.web.serve
	n.udp[EchoPort] = serveUDPEcho
}

// serveEcho sends everything back, then says that it is done (FIN); a reset ends it at once.
func serveEcho(conn net.Conn) {
	defer conn.Close()
	withBuffer(func(buf []byte) {
		for {
			size, err := conn.Read(buf)
			if size > 0 {
				if _, err := conn.Write(buf[:size]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
}

func serveDiscard(conn net.Conn) {
	defer conn.Close()
	withBuffer(func(buf []byte) {
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	})
}

// serveChargen sends lines until nobody takes them. What it is sent it throws away, so that the sender
// is never stopped; the end of that is not the end of the lines.
func serveChargen(conn net.Conn) {
	defer conn.Close()
	go func() {
		withBuffer(func(buf []byte) {
			for {
				if _, err := conn.Read(buf); err != nil {
					if !errors.Is(err, io.EOF) {
						conn.Close()
					}
					return
				}
			}
		})
	}()
	lines := chargenLines()
	for {
		if _, err := conn.Write(lines); err != nil {
			return
		}
	}
}

// chargenLines is the pattern of RFC 864 section 2, as often as it fits into a buffer: 95 lines of 72
// printable characters, each line starting one character later than the last.
var chargenLines = sync.OnceValue(func() []byte {
	const first, count, width = ' ', 95, 72
	var cycle []byte
	for start := range count {
		for column := range width {
			cycle = append(cycle, byte(first+(start+column)%count))
		}
		cycle = append(cycle, '\r', '\n')
	}
	var lines []byte
	for len(lines)+len(cycle) <= bufferSize {
		lines = append(lines, cycle...)
	}
	return lines
})

func serveUDPEcho(conn nettype.ConnPacketConn) {
	defer conn.Close()
	buf := make([]byte, 64<<10)
	for {
		// The stack makes one such connection a flow; an idle one is given up.
		_ = conn.SetReadDeadline(idleUntil())
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if _, err := conn.WriteTo(buf[:size], from); err != nil {
			return
		}
	}
}
