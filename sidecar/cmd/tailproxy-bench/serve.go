package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"strconv"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func serve(ctx context.Context) error {
	ports := map[string]int{}
	for port, handle := range lab.Services() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close()
		ports[strconv.Itoa(int(port))] = listener.Addr().(*net.TCPAddr).Port
		go accept(listener, handle)
	}
	datagrams, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer datagrams.Close()
	ports["7/udp"] = datagrams.LocalAddr().(*net.UDPAddr).Port
	go echo(datagrams)
	if err := json.NewEncoder(os.Stdout).Encode(ports); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// echo is the lab's service on port 7 of UDP.
func echo(conn net.PacketConn) {
	datagram := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(datagram)
		if err != nil {
			return
		}
		_, _ = conn.WriteTo(datagram[:n], from)
	}
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
