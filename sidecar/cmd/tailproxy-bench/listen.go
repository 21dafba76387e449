package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"

	"tailscale.com/tsnet"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

// listen serves the lab's services by tsnet.Listen, in process: the yardstick of exports.
func listen(ctx context.Context, controlURL string) error {
	lab.ApplyEnvironment()
	server, remove, err := newServer(controlURL, "bench-listen")
	if err != nil {
		return err
	}
	defer remove()
	defer closeWithin(server, closeLimit)
	status, err := server.Up(ctx)
	if err != nil {
		return err
	}
	for port, handle := range lab.Services() {
		listener, err := server.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		defer listener.Close()
		go accept(listener, handle)
	}
	datagrams, err := server.ListenPacket("udp", netip.AddrPortFrom(status.TailscaleIPs[0], 7).String())
	if err != nil {
		return err
	}
	defer datagrams.Close()
	go echo(datagrams)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"host": status.TailscaleIPs[0]}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// newServer returns a node that is not up yet, and what removes its state.
func newServer(controlURL, hostname string) (*tsnet.Server, func(), error) {
	dir, err := os.MkdirTemp("", "tailproxy-bench-")
	if err != nil {
		return nil, nil, err
	}
	server := &tsnet.Server{
		Dir:        dir,
		Hostname:   hostname,
		ControlURL: controlURL,
		Ephemeral:  true,
		Logf:       func(string, ...any) {},
		UserLogf:   func(string, ...any) {},
	}
	return server, func() { os.RemoveAll(dir) }, nil
}
