package lab

import "net"

// Services returns what hello serves over TCP besides HTTP, by port, so that a benchmark can have the same
// servers on the kernel's loopback.
func Services() map[uint16]func(net.Conn) {
	return map[uint16]func(net.Conn){
		EchoPort:    serveEcho,
		DiscardPort: serveDiscard,
		ChargenPort: serveChargen,
	}
}
