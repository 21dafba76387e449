package noderole

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

// dials is the dial socket and what belongs to it.
type dials struct {
	board  *board.Board
	tarpit *tarpit.Tarpit
	socket *dialsocket.Server
	conf   *resolve.ResolvConf
	// datagrams are the UDP flows.
	datagrams *datagram.Table
	routing   *routing
	cancel    context.CancelFunc
	tasks     sync.WaitGroup
}

// serveDials opens the dial socket. The node need not run yet; until then dials fail.
func (r *role) serveDials(_ context.Context, params message.ServeDials) (message.ServeDialsResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return message.ServeDialsResult{}, node.ErrStopped
	}
	if r.dials.Load() != nil {
		return message.ServeDialsResult{}, message.Errorf(message.Busy, "the dial socket is served already")
	}
	d := &dials{conf: resolve.NewResolvConf(resolve.DefaultResolvConf)}
	result, err := d.open()
	if err != nil {
		return message.ServeDialsResult{}, err
	}
	d.routing = newRouting(d.board, d.conf, r.tailnet)
	d.datagrams = &datagram.Table{Board: d.board}
	d.socket, err = dialsocket.Listen(dialsocket.Options{Path: params.Path, Board: d.board, Tarpit: d.tarpit, Runs: programs{r, d}})
	if err != nil {
		d.close()
		return message.ServeDialsResult{}, err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	d.cancel = cancel
	d.tasks.Go(func() { d.routing.follow(ctx) })
	r.dials.Store(d)
	return result, nil
}

// open makes the board and the tarpits. A kernel on which those do not work is no failure: programs use SOCKS5 then.
func (d *dials) open() (message.ServeDialsResult, error) {
	var err error
	if d.board, err = board.New(); err != nil {
		return message.ServeDialsResult{}, err
	}
	if d.tarpit, err = tarpit.Open(); err != nil {
		d.tarpit = new(tarpit.Tarpit)
		return message.ServeDialsResult{Tarpit: message.TarpitNone, Detail: err.Error()}, nil
	}
	v4, v6 := d.tarpit.Addresses()
	failed4, failed6 := d.tarpit.Probe()
	switch {
	case failed4 != nil:
		return message.ServeDialsResult{
			Tarpit: message.TarpitNone,
			Detail: errors.Join(fmt.Errorf("IPv4: %w", failed4), failed6).Error(),
		}, nil
	case failed6 != nil:
		d.board.SetTarpits(v4, netip.AddrPort{})
		return message.ServeDialsResult{Tarpit: message.TarpitIPv4, Detail: fmt.Sprintf("IPv6: %v", failed6)}, nil
	}
	d.board.SetTarpits(v4, v6)
	return message.ServeDialsResult{Tarpit: message.TarpitBoth}, nil
}

// end fails the dials and lets nobody in any more. The board stays: flows write to it to their end.
func (d *dials) end() {
	d.cancel()
	d.socket.Close()
	d.tasks.Wait()
}

func (d *dials) close() {
	d.datagrams.Close()
	d.tarpit.Close()
	d.board.Close()
}

// isResolver reports whether what goes to destination is answered here.
func (d *dials) isResolver(destination netip.AddrPort) bool {
	return destination.Port() == 53 && d.conf.IsResolver(destination.Addr())
}
