package netstack

import (
	"net/netip"
	"testing"
)

func TestConnectionsTakePortsInTurn(t *testing.T) {
	left, right := pair(t)
	listener := listen(t, right, right4)
	taken := map[uint16]bool{}
	var last uint16
	for range 50 {
		conn, err := left.DialTCP(t.Context(), netip.AddrPortFrom(right4, 80))
		if err != nil {
			t.Fatal(err)
		}
		port := conn.Local().Port()
		if taken[port] || port < firstPort || last != 0 && port != last+1 && port != firstPort {
			t.Fatalf("port %d came after %d", port, last)
		}
		taken[port], last = true, port
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		// The peer first, so that it is the one that keeps the pair of ports.
		accepted.Close()
		conn.Close()
	}
}

func TestSkipsAPortThatIsTaken(t *testing.T) {
	left, right := pair(t)
	listen(t, right, right4)
	left.ports.last.Store(20_000 - firstPort - 1)
	if _, err := left.ListenTCP(netip.AddrPortFrom(left4, 20_000)); err != nil {
		t.Fatal(err)
	}
	conn, err := left.DialTCP(t.Context(), netip.AddrPortFrom(right4, 80))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if port := conn.Local().Port(); port != 20_001 {
		t.Errorf("the connection has port %d", port)
	}
}

func TestAPortComesBackAfterItsConnection(t *testing.T) {
	left, right := pair(t)
	listener := listen(t, right, right4)
	for range 2 {
		left.ports.last.Store(20_000 - firstPort - 1)
		conn, err := left.DialTCP(t.Context(), netip.AddrPortFrom(right4, 80))
		if err != nil {
			t.Fatal(err)
		}
		if port := conn.Local().Port(); port != 20_000 {
			t.Errorf("the connection has port %d", port)
		}
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		// With resets on both sides nothing waits in TIME_WAIT.
		conn.Abort()
		accepted.(*Conn).Abort()
	}
}
