package export

import (
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// What an export adds to a connection: one byte there and back, then the peer ends it. The stacks and the wire are in this
// process, without WireGuard.

func once(b *testing.B, conn io.ReadWriter) {
	if _, err := conn.Write([]byte("x")); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkConnections(b *testing.B) {
	b.Run("bare-loopback", func(b *testing.B) {
		target := program(b, "127.0.0.1", echo)
		for b.Loop() {
			conn, err := net.Dial("tcp", target)
			if err != nil {
				b.Fatal(err)
			}
			once(b, conn)
			conn.Close()
		}
	})
	b.Run("stack-listener", func(b *testing.B) {
		w := newWorld(b)
		w.listen(func(conn *netstack.Conn) {
			io.Copy(conn, conn)
			conn.Close()
		})
		w.connections(b)
	})
	b.Run("export", func(b *testing.B) {
		w := newWorld(b)
		w.open(nil, program(b, "127.0.0.1", echo))
		w.connections(b)
	})
}

func (w *world) connections(b *testing.B) {
	for b.Loop() {
		conn, err := w.remote.DialTCP(b.Context(), netip.AddrPortFrom(ours4, 8000))
		if err != nil {
			b.Fatal(err)
		}
		once(b, conn)
		conn.Close()
	}
}

func BenchmarkThroughput(b *testing.B) {
	const chunk = 1 << 20
	stream := func(b *testing.B, w *world) {
		conn := w.dial(ours4)
		b.SetBytes(chunk)
		data := make([]byte, chunk)
		for b.Loop() {
			if _, err := conn.Write(data); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
				b.Fatal(err)
			}
		}
	}
	// acknowledge answers each chunk by a byte.
	acknowledge := func(conn io.ReadWriter) {
		for {
			if _, err := io.CopyN(io.Discard, conn, chunk); err != nil {
				return
			}
			if _, err := conn.Write([]byte("x")); err != nil {
				return
			}
		}
	}
	b.Run("stack-listener", func(b *testing.B) {
		w := newWorld(b)
		w.listen(func(conn *netstack.Conn) { acknowledge(conn) })
		stream(b, w)
	})
	b.Run("export", func(b *testing.B) {
		w := newWorld(b)
		w.open(nil, program(b, "127.0.0.1", func(conn *net.TCPConn) { acknowledge(conn) }))
		stream(b, w)
	})
}

// listen serves the port of an export without one.
func (w *world) listen(serve func(conn *netstack.Conn)) {
	w.t.Helper()
	listener, err := w.node.ListenTCP(netip.AddrPortFrom(netip.IPv4Unspecified(), 8000))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { listener.Close() })
	go func() {
		for conn, err := listener.AcceptTCP(); err == nil; conn, err = listener.AcceptTCP() {
			go serve(conn)
		}
	}()
}

// What an export of UDP adds to a datagram there and back, on a flow that is open, and what a new flow costs.
func BenchmarkDatagrams(b *testing.B) {
	b.Run("bare-loopback", func(b *testing.B) {
		conn, err := net.Dial("udp", answering(b, "127.0.0.1:0", itself).address)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		for b.Loop() {
			once(b, conn)
		}
	})
	b.Run("export", func(b *testing.B) {
		w := newWorld(b)
		w.openUDP(nil, answering(b, "127.0.0.1:0", itself).address)
		v := w.visit(ours4)
		for b.Loop() {
			v.say("x")
			v.expect("x")
		}
	})
	b.Run("new-flow", func(b *testing.B) {
		w := newWorld(b)
		w.openUDP(nil, answering(b, "127.0.0.1:0", itself).address)
		for b.Loop() {
			v := w.visit(ours4)
			v.say("x")
			v.expect("x")
			v.conn.Close()
		}
	})
}
