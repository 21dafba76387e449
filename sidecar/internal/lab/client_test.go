package lab_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/ipn/store/mem"
	"tailscale.com/tsnet"
	"tailscale.com/types/logger"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

const testLimit = 30 * time.Second

func startLab(t testing.TB, options lab.Options) *lab.Lab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	l, err := lab.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// client is a node of somebody else on the lab's tailnet.
type client struct {
	*tsnet.Server
}

func joinLab(t testing.TB, l *lab.Lab, hostname string, change ...func(*tsnet.Server)) client {
	t.Helper()
	server := &tsnet.Server{
		Dir:        t.TempDir(),
		Store:      new(mem.Store),
		Ephemeral:  true,
		Hostname:   hostname,
		ControlURL: l.ControlURL(),
		Logf:       logger.Discard,
		UserLogf:   logger.Discard,
	}
	for _, c := range change {
		c(server)
	}
	t.Cleanup(func() { server.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	if _, err := server.Up(ctx); err != nil {
		t.Fatal(err)
	}
	return client{server}
}

func (c client) dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	conn, err := c.Dial(ctx, network, address)
	if err != nil {
		t.Fatalf("dialling %s: %v", address, err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (c client) useExitNode(t testing.TB, exit lab.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	local, err := c.LocalClient()
	if err != nil {
		t.Fatal(err)
	}
	for {
		prefs := &ipn.MaskedPrefs{ExitNodeIPSet: true, RouteAllSet: true}
		prefs.ExitNodeIP = exit.Addresses[0]
		prefs.RouteAll = true
		_, err := local.EditPrefs(ctx, prefs)
		if err == nil {
			status, err := local.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if status.ExitNodeStatus != nil && status.ExitNodeStatus.Online {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the exit node is not offered: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func at(n lab.Node, six bool, port int) string {
	for _, address := range n.Addresses {
		if address.Is6() == six {
			return netip.AddrPortFrom(address, uint16(port)).String()
		}
	}
	return fmt.Sprintf("no address of %s", n.Name)
}

func mustNode(t testing.TB, l *lab.Lab, name string) lab.Node {
	t.Helper()
	n, ok := l.Node(name)
	if !ok {
		t.Fatalf("the lab has no node %s", name)
	}
	return n
}

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
