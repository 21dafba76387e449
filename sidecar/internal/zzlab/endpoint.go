package zzlab

import (
	"context"
	"net"
	"reflect"
	"time"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// abort closes conn with a reset.
func abort(conn net.Conn) {
	switch conn := conn.(type) {
	case *net.TCPConn:
		_ = conn.SetLinger(0)
	case *gonet.TCPConn:
		if ep, ok := endpointOf(conn); ok {
			ep.Abort()
		}
	}
	_ = conn.Close()
}

// sentLimit is how long a connection that is closed may take to get its last bytes across.
const sentLimit = time.Minute

// awaitSent waits, after conn was closed, until the other side has all it was sent. tsnet's stack drops
// the address of a connection through an exit node as soon as its handler returns, and with it
// whatever was still to be sent.
func awaitSent(ctx context.Context, conn net.Conn) {
	accepted, ok := conn.(*gonet.TCPConn)
	if !ok {
		return
	}
	ep, ok := endpointOf(accepted)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sentLimit)
	defer cancel()
	for wait := time.Millisecond; !sent(ep); wait = min(2*wait, time.Second) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func sent(ep tcpip.Endpoint) bool {
	switch tcp.EndpointState(ep.State()) {
	case tcp.StateEstablished, tcp.StateCloseWait, tcp.StateFinWait1, tcp.StateClosing, tcp.StateLastAck:
		return false
	}
	return true
}

// endpointOf reaches what a connection that tsnet's stack has accepted does not export: a reset and its
// state. The tests of resets and of the exit node fail should the field go away.
func endpointOf(conn *gonet.TCPConn) (tcpip.Endpoint, bool) {
	field := reflect.ValueOf(conn).Elem().FieldByName("ep")
	if !field.IsValid() {
		return nil, false
	}
	ep, ok := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(tcpip.Endpoint)
	return ep, ok
}
