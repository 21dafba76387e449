package lab

import (
	"io"
	"net"
	"time"
)

// lateChunks is how many pieces of up to lateChunk bytes may be under way on a connection.
const (
	lateChunks = 4 << 10
	lateChunk  = 16 << 10
)

// lateListener passes connections on to a server, and what clients send comes later.
type lateListener struct{ net.Listener }

type lateBytes struct {
	due  time.Time
	data []byte
}

func listenLate(server net.Addr, delay time.Duration) (*lateListener, error) {
	listener, err := net.Listen("tcp4", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go passLate(client, server, delay)
		}
	}()
	return &lateListener{listener}, nil
}

// passLate passes both directions on until either side closes.
func passLate(client net.Conn, server net.Addr, delay time.Duration) {
	defer client.Close()
	upstream, err := net.Dial(server.Network(), server.String())
	if err != nil {
		return
	}
	defer upstream.Close()
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, upstream)
	}()
	line := make(chan lateBytes, lateChunks)
	go func() {
		defer upstream.Close()
		for next := range line {
			time.Sleep(time.Until(next.due))
			if _, err := upstream.Write(next.data); err != nil {
				client.Close() // the reader ends, and with it the line
			}
		}
	}()
	defer close(line)
	for {
		chunk := make([]byte, lateChunk)
		n, err := client.Read(chunk)
		if n > 0 {
			line <- lateBytes{time.Now().Add(delay), chunk[:n]}
		}
		if err != nil {
			return
		}
	}
}
