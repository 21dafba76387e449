package hostdial

import (
	"net"
	"testing"
)

func TestCountsWhateverComesOfIt(t *testing.T) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	to := listener.Addr().(*net.TCPAddr).AddrPort()
	var d Dialer
	conn, err := d.Dial(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	listener.Close()
	if conn, err := d.Dial(t.Context(), "tcp", to); err == nil {
		conn.Close()
		t.Error("nobody listens")
	}
	udp, err := d.UDP(to)
	if err != nil {
		t.Fatal(err)
	}
	udp.Close()
	if d.Dials() != 3 {
		t.Errorf("counted %d", d.Dials())
	}
}
