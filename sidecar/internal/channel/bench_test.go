package channel_test

import (
	"context"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// BenchmarkHandshake is the channel's part of one SOCKS5 handshake: the sidecar tells of a client and is
// asked to dial.
func BenchmarkHandshake(b *testing.B) {
	near, far := socketPair(b)
	sidecar, driver := channel.New(near), channel.New(far)
	channel.HandleInOrder(sidecar, "clientDial", func(_ context.Context, p message.ClientDial, answer func(message.ClientDialResult, error)) {
		answer(message.ClientDialResult{Flow: p.Client, Bound: "100.64.0.3:40000", Route: "tailnet"}, nil)
	})
	clients := make(chan message.ID, 1)
	channel.HandleEvent(driver, "client", func(p message.Client) { clients <- p.Client })
	go sidecar.Serve(b.Context())
	go driver.Serve(b.Context())
	hello := []byte{5, 1, 0, 5, 1, 0, 1, 100, 64, 0, 1, 0, 80}
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if err := sidecar.Notify("client", message.Client{Client: message.ID(n), Bytes: hello, Source: "127.0.0.1:50000"}); err != nil {
			b.Fatal(err)
		}
		client := <-clients
		if _, err := channel.Call[message.ClientDialResult](b.Context(), driver, "clientDial", message.ClientDial{
			Client: client, Network: "tcp", Host: "100.64.0.1", Port: 80, DeadlineMs: 10_000, OnSuccess: []byte{5, 0, 0},
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNotify(b *testing.B) {
	near, far := socketPair(b)
	go func() {
		buf := make([]byte, 1<<20)
		for {
			if _, err := far.Read(buf); err != nil {
				return
			}
		}
	}()
	c := channel.New(near)
	event := message.FlowClosed{Flow: 1, BytesUp: 1000, BytesDown: 1_000_000, DurationMs: 12}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := c.Notify("flowClosed", event); err != nil {
				b.Fatal(err)
			}
		}
	})
}
