package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"

	"tailscale.com/ipn"
	"tailscale.com/ipn/store/mem"
	"tailscale.com/net/tsaddr"
	"tailscale.com/tsnet"
	"tailscale.com/types/logger"
)

type exitNodeSettings struct {
	ControlURL string `json:"controlUrl"`
	Hostname   string `json:"hostname"`
	AuthKey    string `json:"authKey"`
}

type exitNodeReport struct {
	Name      string       `json:"name"`
	Addresses []netip.Addr `json:"addresses"`
}

// served is what the exit node answers for, at any port. It dials nothing: no packet leaves the host.
var served = netip.MustParsePrefix("198.51.100.0/24")

func exitNode(ctx context.Context, settings exitNodeSettings) error {
	dir, err := os.MkdirTemp("", "tailproxy-fixture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server := &tsnet.Server{
		Dir:        dir,
		Store:      &mem.Store{},
		Ephemeral:  true,
		Hostname:   settings.Hostname,
		ControlURL: settings.ControlURL,
		AuthKey:    settings.AuthKey,
		Logf:       logger.Discard,
		UserLogf:   logger.Discard,
	}
	server.RegisterFallbackTCPHandler(func(src, dst netip.AddrPort) (func(net.Conn), bool) {
		if !served.Contains(dst.Addr()) {
			return nil, true
		}
		return func(conn net.Conn) { answer(conn, settings.Hostname, src, dst) }, true
	})
	// Close would panic after a Start that failed.
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Close()
	status, err := server.Up(ctx)
	if err != nil {
		return err
	}
	client, err := server.LocalClient()
	if err != nil {
		return err
	}
	prefs := &ipn.MaskedPrefs{AdvertiseRoutesSet: true}
	prefs.AdvertiseRoutes = []netip.Prefix{tsaddr.AllIPv4(), tsaddr.AllIPv6()}
	if _, err := client.EditPrefs(ctx, prefs); err != nil {
		return fmt.Errorf("advertising the routes: %w", err)
	}
	report := exitNodeReport{Name: strings.TrimSuffix(status.Self.DNSName, "."), Addresses: status.Self.TailscaleIPs}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// answer speaks HTTP to a client that asks once. It returns when the client has closed: tsnet's stack drops
// the address of such a connection with its handler, and whatever was still to be sent.
func answer(conn net.Conn, name string, src, dst netip.AddrPort) {
	defer conn.Close()
	body := fmt.Sprintf("%s took %s to %s\n", name, src.Addr(), dst)
	_, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	if err == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}
