package noderole

import (
	"io"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestReachesPeersByNameAndAddress(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	self := d.start(l)
	if self.Hostname != "client" || self.MagicDNSSuffix != lab.Domain || len(self.Addresses) != 2 {
		t.Errorf("the node is %+v", self)
	}
	socks := d.listen()
	hello, _ := l.Node(lab.HelloName)
	for _, host := range []string{"hello", hello.Name, hello.Addresses[0].String(), hello.Addresses[1].String()} {
		t.Run(host, func(t *testing.T) {
			conn := mustDial(t, socks, host, 7)
			if _, err := conn.Write([]byte("ping")); err != nil {
				t.Fatal(err)
			}
			conn.CloseWrite()
			got, err := io.ReadAll(conn)
			if err != nil || string(got) != "ping" {
				t.Errorf("echo gave %q, %v", got, err)
			}
			opened := within(t, "flowOpened", d.opened)
			if opened.Peer != hello.Name || opened.Route != message.RouteTailnet {
				t.Errorf("the flow is %+v", opened)
			}
			closed := within(t, "flowClosed", d.closed)
			if closed.BytesUp != 4 || closed.BytesDown != 4 || closed.Error != nil {
				t.Errorf("the flow ended as %+v", closed)
			}
		})
	}
}
