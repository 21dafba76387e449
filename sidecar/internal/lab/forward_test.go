package lab_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func TestForward(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	targets := make(chan net.Conn, 1)
	target := listenLoopback(t, func(conn net.Conn) { targets <- conn })
	node, err := l.AddNode(t.Context(), "web", lab.Forward{Port: 8080, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	connect := func(t *testing.T) (near net.Conn, far *net.TCPConn) {
		near = c.dial(t, "tcp", at(node, false, 8080))
		far = (<-targets).(*net.TCPConn)
		t.Cleanup(func() { far.Close() })
		return near, far
	}
	t.Run("client-closes-first", func(t *testing.T) {
		near, far := connect(t)
		writeAndEnd(t, near, "question")
		if got := readAll(t, far); got != "question" {
			t.Errorf("the target got %q", got)
		}
		writeAndEnd(t, far, "answer")
		if got := readAll(t, near); got != "answer" {
			t.Errorf("the client got %q", got)
		}
	})
	t.Run("target-closes-first", func(t *testing.T) {
		near, far := connect(t)
		writeAndEnd(t, far, "banner")
		if got := readAll(t, near); got != "banner" {
			t.Errorf("the client got %q", got)
		}
		writeAndEnd(t, near, "late")
		if got := readAll(t, far); got != "late" {
			t.Errorf("the target got %q", got)
		}
	})
	t.Run("target-resets", func(t *testing.T) {
		near, far := connect(t)
		_ = far.SetLinger(0)
		far.Close()
		if _, err := near.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the client reads %v; want a reset", err)
		}
	})
	t.Run("client-resets", func(t *testing.T) {
		near, far := connect(t)
		lab.Abort(near)
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the target reads %v; want a reset", err)
		}
	})
	t.Run("target-refuses", func(t *testing.T) {
		closed, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := netip.MustParseAddrPort(closed.Addr().String())
		closed.Close()
		if err := l.AddForward("web", lab.Forward{Port: 8081, Target: address}); err != nil {
			t.Fatal(err)
		}
		near := c.dial(t, "tcp", at(node, true, 8081))
		if _, err := near.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the client reads %v; want a reset", err)
		}
	})
}

func writeAndEnd(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func listenLoopback(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return netip.MustParseAddrPort(listener.Addr().String())
}
