package main

import (
	"context"
	"encoding/json"
	"net"
	"os"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func serve(ctx context.Context) error {
	ports := map[uint16]int{}
	for port, handle := range lab.Services() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close()
		ports[port] = listener.Addr().(*net.TCPAddr).Port
		go accept(listener, handle)
	}
	if err := json.NewEncoder(os.Stdout).Encode(ports); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func accept(listener net.Listener, handle func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go handle(conn)
	}
}
