package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/ipn/store/mem"
	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/tsnet"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
	"tailscale.com/types/nettype"
	"tailscale.com/wgengine/netstack"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// node is one of the lab's own nodes.
type node struct {
	lab    *Lab
	name   string
	server *tsnet.Server
	client *local.Client
	web    *webServer

	key       key.NodePublic
	addresses []netip.Addr
	running   atomic.Bool
	// offers: it advertises itself as an exit node.
	offers atomic.Bool
	// ctx ends with the node.
	ctx  context.Context
	stop context.CancelFunc

	mu    sync.Mutex
	ports map[uint16]func(net.Conn)
	udp   map[uint16]func(nettype.ConnPacketConn)
}

// memoryStore keeps a node's state in memory. tsnet wants a mem.Store to be of an ephemeral node, which
// says goodbye when it is closed; a node that is killed does not.
type memoryStore struct{ ipn.StateStore }

func newNode(l *Lab, name string) *node {
	logf := logger.Discard
	if l.options.Logf != nil {
		logf = logger.WithPrefix(l.options.Logf, name+": ")
	}
	ctx, stop := context.WithCancel(context.Background())
	return &node{
		lab:  l,
		name: name,
		ctx:  ctx,
		stop: stop,
		server: &tsnet.Server{
			Store:      memoryStore{&mem.Store{}},
			Hostname:   name,
			ControlURL: l.control.url(),
			AuthKey:    l.control.registrar.ownKey,
			Logf:       logf,
			UserLogf:   logger.Discard,
		},
		ports: map[uint16]func(net.Conn){},
		udp:   map[uint16]func(nettype.ConnPacketConn){},
	}
}

// start starts the node with its handlers in place; it is up later.
func (n *node) start() error {
	dir, err := os.MkdirTemp("", "tailproxy-lab-")
	if err != nil {
		return err
	}
	n.server.Dir = dir
	err = n.server.Start()
	// The state is in memory and the log's files are open: with the directory gone already, a lab that is
	// killed leaves nothing behind.
	os.RemoveAll(dir)
	if err != nil {
		return err
	}
	client, err := n.server.LocalClient()
	if err != nil {
		return err
	}
	n.client = client
	n.server.RegisterFallbackTCPHandler(n.tcpHandler)
	stack, ok := n.server.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return errors.New("this build has no netstack")
	}
	stack.GetUDPHandlerForFlow = n.udpHandler
	n.shapeInbound()
	return nil
}

// up waits until the node runs and control can tell others how to reach it.
func (n *node) up(ctx context.Context) error {
	watcher, err := n.client.WatchIPNBus(ctx, ipn.NotifyInitialState)
	if err != nil {
		return err
	}
	defer watcher.Close()
	for state := ipn.NoState; state != ipn.Running; {
		notify, err := watcher.Next()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", n.name, err)
		}
		if notify.ErrMessage != nil {
			return fmt.Errorf("%s: %s", n.name, *notify.ErrMessage)
		}
		if notify.State != nil {
			state = *notify.State
		}
		if state == ipn.NeedsMachineAuth {
			status, err := n.client.StatusWithoutPeers(ctx)
			if err != nil {
				return err
			}
			n.lab.control.approve(n.lab.control.server.Node(status.Self.PublicKey))
		}
	}
	status, err := n.client.StatusWithoutPeers(ctx)
	if err != nil {
		return err
	}
	if err := n.lab.control.awaitReachable(ctx, status.Self.PublicKey); err != nil {
		return fmt.Errorf("waiting for %s to be reachable: %w", n.name, err)
	}
	n.lab.mu.Lock()
	n.key = status.Self.PublicKey
	n.addresses = status.Self.TailscaleIPs
	n.lab.mu.Unlock()
	n.running.Store(true)
	return nil
}

func (n *node) ready() bool { return n.running.Load() }

func (n *node) describe() Node {
	return Node{Name: n.name + "." + Domain, Addresses: n.addresses}
}

// awaitPeer waits until the node has peer in its netmap and WireGuard its configuration.
func (n *node) awaitPeer(ctx context.Context, peer *tailcfg.Node) {
	if len(peer.Addresses) == 0 {
		return
	}
	knows := n.server.Sys().Dialer.Get().UseNetstackForIP
	// There is no event for it inside of tsnet that comes after WireGuard has been told.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !knows(peer.Addresses[0].Addr()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	// The backend holds its lock from setting the netmap until WireGuard has it; so does this wait.
	_, _ = n.client.StatusWithoutPeers(ctx)
}

// cut takes the node off the network. What is closed after this is heard by nobody.
func (n *node) cut() {
	n.running.Store(false)
	n.stop()
	n.server.Sys().MagicSock.Get().Close()
}

func (n *node) close() {
	n.running.Store(false)
	n.stop()
	if n.web != nil {
		n.web.close()
	}
	if n.client != nil {
		n.server.Close()
		os.RemoveAll(n.server.Dir)
	}
}

// tcpHandler is asked for every connection to the node and, if it is the exit node, through it.
func (n *node) tcpHandler(_, dst netip.AddrPort) (handler func(net.Conn), intercept bool) {
	if !n.answersFor(dst.Addr()) {
		return nil, true
	}
	n.mu.Lock()
	serve := n.ports[dst.Port()]
	n.mu.Unlock()
	if serve == nil || tsaddr.IsTailscaleIP(dst.Addr()) {
		return serve, true
	}
	return func(conn net.Conn) {
		serve(conn)
		awaitSent(n.ctx, conn)
	}, true
}

func (n *node) udpHandler(_, dst netip.AddrPort) (handler func(nettype.ConnPacketConn), intercept bool) {
	if !n.answersFor(dst.Addr()) {
		return nil, true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.udp[dst.Port()], true
}

// answersFor is false for what an exit node would have to dial: it dials nothing.
func (n *node) answersFor(dst netip.Addr) bool {
	if tsaddr.IsTailscaleIP(dst) {
		return true
	}
	return isTestNet(dst)
}

// isTestNet says whether an address is for documentation and tests: RFC 5737 and RFC 3849.
func isTestNet(addr netip.Addr) bool {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, 0}), 24).Contains(addr) ||
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8}), 32).Contains(addr)
}

func (n *node) handle(port uint16, handler func(net.Conn)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.ports[port]; ok {
		return message.Errorf(message.Busy, "port %d of node %s is taken", port, n.name)
	}
	n.ports[port] = handler
	return nil
}
