package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"tailscale.com/tsnet"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

// closeLimit is how long the node may take to close. After many connects tsnet's own stack can block in Close for
// good: it aborts what lingers into a queue that nobody reads any more.
const closeLimit = time.Second

func closeWithin(server *tsnet.Server, limit time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Close()
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// join returns a node that is up, and what ends it.
func join(ctx context.Context, controlURL, hostname string) (*tsnet.Server, func(), error) {
	lab.ApplyEnvironment()
	server, remove, err := newServer(controlURL, hostname)
	if err != nil {
		return nil, nil, err
	}
	leave := func() {
		closeWithin(server, closeLimit)
		remove()
	}
	if _, err := server.Up(ctx); err != nil {
		leave()
		return nil, nil, err
	}
	return server, leave, nil
}

func dial(ctx context.Context, controlURL, metric, host, port, amountText string) error {
	amount, err := strconv.Atoi(amountText)
	if err != nil || amount < 1 {
		return fmt.Errorf("AMOUNT is %q; allowed is a number from 1", amountText)
	}
	metric, isUDP := strings.CutSuffix(metric, "-udp")
	measure, ok := metrics()[metric]
	if !ok || isUDP && metric != "rtt" {
		return fmt.Errorf("METRIC is %q; allowed are connect, first, parallel, rtt, rtt-udp, up, down, up8 and down8", metric)
	}
	network := "tcp"
	if isUDP {
		network = "udp"
	}
	server, leave, err := join(ctx, controlURL, "bench")
	if err != nil {
		return err
	}
	defer leave()
	d := dialer(func() (net.Conn, error) {
		return server.Dial(ctx, network, net.JoinHostPort(host, port))
	})
	// Not measured: the first connect also finds the way to the peer.
	first, err := d()
	if err != nil {
		return err
	}
	first.Close()
	result, err := measure(d, amount)
	if err != nil {
		return err
	}
	fmt.Printf("%.3f\n", result)
	return nil
}
