package lab

import (
	"net"
	"reflect"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
)

// abort closes conn with a reset.
func abort(conn net.Conn) {
	switch conn := conn.(type) {
	case *net.TCPConn:
		_ = conn.SetLinger(0)
	case *gonet.TCPConn:
		// Nothing exported resets a connection that tsnet's stack has accepted. The test of resets
		// fails should the field go away.
		if ep, ok := endpointOf(conn); ok {
			ep.Abort()
		}
	}
	_ = conn.Close()
}

func endpointOf(conn *gonet.TCPConn) (tcpip.Endpoint, bool) {
	field := reflect.ValueOf(conn).Elem().FieldByName("ep")
	if !field.IsValid() {
		return nil, false
	}
	ep, ok := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(tcpip.Endpoint)
	return ep, ok
}
