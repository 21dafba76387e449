// Package handshake has what both roles of the sidecar say alike: hello, which comes first, and stop.
package handshake

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/version"
)

// Install makes conn answer hello as role, refuse every other request and end the session on an
// event before it, and answer stop: shutdown runs, then the answer is sent, then the session ends
// in order. Call it before conn.Serve.
func Install(conn *channel.Conn, role message.Role, shutdown func(context.Context) error) {
	var greeted atomic.Bool
	conn.Guard(func(name string) error {
		switch hello := name == message.MethodHello; {
		case hello && greeted.Load():
			return message.Errorf(message.Protocol, "hello came twice")
		case !hello && !greeted.Load():
			return message.Errorf(message.Protocol, "%.40q came before hello", name)
		}
		return nil
	})
	channel.HandleInOrder(conn, message.MethodHello, func(_ context.Context, params message.Hello, answer func(message.HelloResult, error)) {
		if params.Protocol != message.ProtocolVersion {
			answer(message.HelloResult{}, message.Errorf(message.Protocol,
				"the driver speaks channel protocol %d, this sidecar (%s) speaks %d; use a driver and sidecar of one release",
				params.Protocol, version.Sidecar(), message.ProtocolVersion))
			go conn.Finish()
			return
		}
		greeted.Store(true)
		answer(message.HelloResult{
			Protocol:  message.ProtocolVersion,
			Version:   version.Sidecar(),
			Tailscale: version.Tailscale(),
			PID:       message.Limit(os.Getpid()),
			Role:      role,
		}, nil)
	})
	channel.HandleInOrder(conn, message.MethodStop, func(ctx context.Context, _ message.Empty, answer func(message.Empty, error)) {
		go func() {
			answer(message.Empty{}, shutdown(ctx))
			conn.Finish()
		}()
	})
}
