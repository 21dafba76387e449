package socks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// acceptRetry is the pause after an accept failed for want of descriptors or memory.
const acceptRetry = 20 * time.Millisecond

// Options of a listener.
type Options struct {
	Address netip.AddrPort
	// Cap is how many clients may negotiate at once. When it is reached nobody is accepted, and clients wait in
	// the kernel's queue.
	Cap int64
	// Handshake is how long a client has from accept to its dial.
	Handshake time.Duration
	// Accepted is told of each client, before its first bytes are read.
	Accepted func(c *Client)
}

// Listener accepts clients until it is closed.
type Listener struct {
	options  Options
	listener *net.TCPListener
	slots    *semaphore.Weighted
	ctx      context.Context
	cancel   context.CancelFunc
	serving  sync.WaitGroup
}

// Listen listens on a loopback address.
func Listen(options Options) (*Listener, error) {
	if !options.Address.Addr().IsLoopback() {
		return nil, message.Errorf(message.Denied, "%v is not a loopback address, and SOCKS clients are served on loopback only", options.Address)
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(options.Address))
	if err != nil {
		return nil, fmt.Errorf("listening for SOCKS clients: %w", err)
	}
	l := &Listener{options: options, listener: listener, slots: semaphore.NewWeighted(options.Cap)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.serving.Go(l.serve)
	return l, nil
}

// Address returns where the listener listens.
func (l *Listener) Address() netip.AddrPort {
	return l.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Close stops accepting. Clients that were accepted stay.
func (l *Listener) Close() {
	l.cancel()
	l.listener.Close()
	l.serving.Wait()
}

func (l *Listener) serve() {
	for {
		// The slot comes before the client: one who is not accepted costs nothing.
		if l.slots.Acquire(l.ctx, 1) != nil {
			return
		}
		conn, err := l.accept()
		if err != nil {
			return
		}
		client, err := newClient(conn, l.options.Handshake, func() { l.slots.Release(1) })
		if err != nil {
			// It left between the kernel's accept and ours.
			conn.Close()
			l.slots.Release(1)
			continue
		}
		l.options.Accepted(client)
	}
}

func (l *Listener) accept() (*net.TCPConn, error) {
	for {
		conn, err := l.listener.AcceptTCP()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		select {
		case <-time.After(acceptRetry):
		case <-l.ctx.Done():
			return nil, err
		}
	}
}
