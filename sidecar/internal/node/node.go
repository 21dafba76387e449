package node

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"tailscale.com/client/local"
	"tailscale.com/net/tsdial"
	"tailscale.com/tsnet"

	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/warmth"
)

// ErrStopped is the end of a node that was stopped.
var ErrStopped = message.Errorf(message.NotConnected, "the node was stopped")

// Node is a node, from New to Close.
type Node struct {
	options Options
	state   stateCell
	peers   peers.Table
	paths   *paths
	warmth  *warmth.Keeper
	inLab   atomic.Bool

	ctx    context.Context
	cancel context.CancelCauseFunc
	tasks  sync.WaitGroup

	// lifecycle is held by Start while the server starts and by Close: tsnet allows neither beside the other.
	lifecycle sync.Mutex
	started   bool
	server    *tsnet.Server
	lock      *os.File
	store     *stateStore

	stack  atomic.Pointer[netstack.Stack]
	engine engine
	local  atomic.Pointer[local.Client]
	self   atomic.Pointer[Self]
	dialer atomic.Pointer[tsdial.Dialer]
	exits  *exitnode.Manager
	dns    dnsCache
	// services are those that this node offers.
	services services
	changes  changes
	secrets  secrets
	// loggingIn is held by a Login, and guards usedKey, the auth key that the node came with. byKey: the login that is under way, or was the last, is one by an auth key.
	loggingIn sync.Mutex
	usedKey   string
	byKey     atomic.Bool

	synced     chan struct{} // closed when the first netmap is here
	syncedOnce sync.Once
}

// New returns a node that is not started.
func New(options Options) *Node {
	n := &Node{options: options, synced: make(chan struct{})}
	if options.Host == nil {
		n.options.Host = new(hostdial.Dialer)
	}
	n.state.tell = func(state message.State, detail string) {
		n.changes.look()
		if options.OnState != nil {
			options.OnState(state, detail)
		}
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.paths = newPaths(n.ctx, &n.engine)
	n.warmth = warmth.New(n.ctx, warmTunnel{n})
	n.exits = exitnode.New(exitTailnet{n}, options.OnExitNode)
	return n
}

// Start brings the node up and returns when it runs. It waits for login and approval as long as ctx allows.
func (n *Node) Start(ctx context.Context) error {
	ctx, stop := n.bound(ctx)
	defer stop()
	limited, cancel := n.limit(ctx, n.options.LoginTimeout)
	defer cancel()
	err := n.start(limited)
	if err == nil {
		return nil
	}
	if cause := context.Cause(n.ctx); cause != nil {
		return cause
	}
	return n.late(ctx, limited, n.options.LoginTimeout, n.hideKey(err))
}

// bound returns a context that ends with ctx and with the node.
func (n *Node) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(n.ctx, func() { cancel(context.Cause(n.ctx)) })
	return ctx, func() { stop(); cancel(nil) }
}

// State returns what the node is doing.
func (n *Node) State() message.State { return n.state.get() }

// InLab reports whether the tailnet is a lab's, where nothing may leave loopback.
func (n *Node) InLab() bool { return n.inLab.Load() }

// Peers returns the table of the other nodes; it is followed as they change.
func (n *Node) Peers() *peers.Table { return &n.peers }

// Running returns the stack and nil while the node runs.
func (n *Node) Running() (*netstack.Stack, error) {
	stack := n.stack.Load()
	if state := n.State(); state != message.StateRunning || stack == nil {
		return nil, message.Errorf(message.NotConnected, "the node is not connected to its tailnet (%s)", state)
	}
	return stack, nil
}

// AwaitPath waits until the peer is known to know this node, so that the first packet is not lost on it, or
// for a bounded time. See paths. What is sent then is a use of the peer.
func (n *Node) AwaitPath(ctx context.Context, peer *peers.Peer) {
	n.warmth.Use(peer)
	n.paths.await(ctx, peer)
}

// Used says that something has ended with the peer, so that what comes next may come soon.
func (n *Node) Used(peer *peers.Peer) { n.warmth.Use(peer) }

// Flush waits until what was sent to some peers has arrived there, or ctx ends.
func (n *Node) Flush(ctx context.Context, to []*peers.Peer) {
	stack := n.stack.Load()
	if stack == nil {
		return
	}
	stack.Flush(ctx)
	// What is sent to one peer stays in order, so the answer to a ping says that what was before it has come.
	answered := make(chan struct{}, len(to))
	waiting := 0
	for _, peer := range to {
		if len(peer.Addresses) > 0 && n.paths.hasSession(peer.Key) {
			n.engine.tsmp(peer.Addresses[0], func() { answered <- struct{}{} })
			waiting++
		}
	}
	for range waiting {
		select {
		case <-answered:
		case <-ctx.Done():
			return
		}
	}
}

// Self returns this node, or nil before it has a netmap.
func (n *Node) Self() *Self { return n.self.Load() }

// Known reports whether there has been a netmap: the peers and their routes are those of the tailnet.
func (n *Node) Known() bool {
	select {
	case <-n.synced:
		return true
	default:
		return false
	}
}

// IsSelf reports whether addr is one of this node's.
func (n *Node) IsSelf(addr netip.Addr) bool {
	self := n.self.Load()
	if self == nil {
		return false
	}
	for _, own := range self.Addresses {
		if own == addr {
			return true
		}
	}
	return false
}

// ByAddress returns the peer that has addr as its own.
func (n *Node) ByAddress(addr netip.Addr) (*peers.Peer, bool) { return n.peers.ByAddress(addr) }

// BySubnet returns the peer that routes a subnet with addr in it.
func (n *Node) BySubnet(addr netip.Addr) (*peers.Peer, bool) { return n.peers.BySubnet(addr) }

// Close ends the node: connections are reset, an ephemeral node leaves its tailnet. It may be called at any time.
func (n *Node) Close() { n.closeWith("") }

func (n *Node) closeWith(detail string) {
	n.cancel(ErrStopped)
	n.exits.Close()
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	n.state.set(message.StateStopped, detail)
	if n.server != nil {
		if stack := n.stack.Load(); stack != nil {
			stack.Close()
		}
		n.server.Close() // logs an ephemeral node out
		n.server = nil
	}
	n.tasks.Wait()
	if n.store != nil {
		n.store.close()
	}
	if n.lock != nil {
		n.lock.Close()
		n.lock = nil
	}
}

// hideKey keeps auth keys out of an error, whoever put them there.
func (n *Node) hideKey(err error) error { return n.secrets.hide(err) }

var errWatchEnded = errors.New("the node no longer tells its state")
