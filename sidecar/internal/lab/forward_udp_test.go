package lab_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func TestForwardUDP(t *testing.T) {
	target := answerFrom(t)
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	node, err := l.AddNode(t.Context(), "names", lab.Forward{Port: 5353, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]bool{}
	for _, six := range []bool{false, true} {
		conn := c.dial(t, "udp", at(node, six, 5353))
		first := ask(t, conn)
		if again := ask(t, conn); again != first {
			t.Errorf("one flow reaches the target from %s and %s", first, again)
		}
		sources[first] = true
	}
	if len(sources) != 2 {
		t.Errorf("two flows reach the target from %v", sources)
	}
}

// answerFrom serves UDP on loopback: each datagram is answered with where it came from.
func answerFrom(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			_, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort([]byte(from.String()), from)
		}
	}()
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

func ask(t *testing.T, conn net.Conn) string {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(testLimit))
	if _, err := conn.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}
