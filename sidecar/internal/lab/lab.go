package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// Names of the nodes every lab has.
const (
	HelloName = "hello"
	ExitName  = "exit"
)

// buryWait is the longest that Close waits for its nodes to be closed.
const buryWait = 2 * time.Second

// Options of a lab. The zero value is a lab that lets everyone in.
type Options struct {
	// Delay is how much longer every packet takes to reach a node of the lab, so it is what a round
	// trip is longer by.
	Delay time.Duration
	// AuthKey is the key that nodes have to bring. Empty takes any.
	AuthKey string
	// RequireAuth makes nodes wait for a visit of their login URL (Lab.CompleteAuth, or GET it), but those that bring AuthKey.
	RequireAuth bool
	// RequireApproval makes machines wait to be let in (Lab.Approve). The lab's own do not.
	RequireApproval bool
	// Relayed has the lab's nodes speak by the relay only, which then has the delay: what WireGuard and Tailscale themselves
	// send takes it too. It is for the whole process. Other processes whose nodes join need TS_DEBUG_NEVER_DIRECT_UDP=1 in their environment.
	Relayed bool
	// Abrupt gives a newcomer its first netmap at once, as real control servers do. Otherwise it comes when the others have
	// heard of the newcomer.
	Abrupt bool
	// Logf, if not nil, gets the log of the lab's own nodes.
	Logf func(format string, args ...any)
}

// relayDelay is what the relay holds back each packet for: half a round trip.
func (o Options) relayDelay() time.Duration {
	if !o.Relayed {
		return 0
	}
	return o.Delay / 2
}

// Lab is a running tailnet.
type Lab struct {
	options  Options
	relay    *Relay
	resolver *resolver
	control  *control

	mu     sync.Mutex
	closed bool
	nodes  map[string]*node
	order  []string
	dying  sync.WaitGroup
}

// Node is a node of a lab. Name is fully qualified, without a trailing dot.
type Node struct {
	Name      string
	Addresses []netip.Addr
}

// Forward makes a tailnet port of a node forward to Target, which is on loopback.
type Forward struct {
	Port   uint16
	Target netip.AddrPort
}

// Start starts a lab and returns when its nodes are up. Errors carry a message.Code.
func Start(ctx context.Context, options Options) (*Lab, error) {
	ApplyEnvironment()
	if options.Relayed {
		relayOnly()
	}
	l := &Lab{options: options, nodes: map[string]*node{}}
	if err := l.start(ctx); err != nil {
		l.Close()
		return nil, fmt.Errorf("starting the lab: %w", err)
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context) (err error) {
	if l.relay, err = startRelay(l.options.relayDelay()); err != nil {
		return err
	}
	if l.resolver, err = startResolver(); err != nil {
		return err
	}
	if l.control, err = startControl(l.relay, l.resolver, l.options, l.introduce); err != nil {
		return err
	}
	hello, err := l.newNode(HelloName)
	if err != nil {
		return err
	}
	exit, err := l.newNode(ExitName)
	if err != nil {
		return err
	}
	hello.serveAll()
	exit.serveAll()
	if err := hello.start(); err != nil {
		return err
	}
	// Addresses follow the order in which nodes register: hello is always 100.64.0.1.
	if err := l.control.awaitNodes(ctx, 1); err != nil {
		return err
	}
	if err := exit.start(); err != nil {
		return err
	}
	if err := errors.Join(hello.up(ctx), exit.up(ctx)); err != nil {
		return err
	}
	return exit.becomeExitNode(ctx, true)
}

// ControlURL is the control server's URL, without a trailing slash.
func (l *Lab) ControlURL() string { return l.control.url() }

// Nodes returns the lab's own nodes, in the order in which they were added.
func (l *Lab) Nodes() []Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	var nodes []Node
	for _, name := range l.order {
		nodes = append(nodes, l.nodes[name].describe())
	}
	return nodes
}

// Node returns one of the lab's own nodes by its first label.
func (l *Lab) Node(name string) (Node, bool) {
	n, err := l.find(name)
	if err != nil {
		return Node{}, false
	}
	return n.describe(), true
}

// AddNode adds a node that serves forwards and nothing else.
func (l *Lab) AddNode(ctx context.Context, name string, forwards ...Forward) (Node, error) {
	return l.addNode(ctx, name, func(*node) {}, func(context.Context, *node) error { return nil }, forwards)
}

// addNode adds a node that is prepared before it starts and finished when it is up.
func (l *Lab) addNode(
	ctx context.Context, name string, prepare func(*node), finish func(context.Context, *node) error, forwards []Forward,
) (Node, error) {
	if err := l.control.reachable(); err != nil {
		return Node{}, err
	}
	n, err := l.newNode(name)
	if err != nil {
		return Node{}, err
	}
	prepare(n)
	for _, f := range forwards {
		if err := n.forward(f); err != nil {
			l.forget(name)
			return Node{}, err
		}
	}
	err = n.start()
	if err == nil {
		err = n.up(ctx)
	}
	if err == nil {
		err = finish(ctx, n)
	}
	if err == nil {
		l.control.spread(ctx, n.key)
	}
	if err != nil {
		l.forget(name)
		l.bury(n)
		return Node{}, fmt.Errorf("adding node %s: %w", name, err)
	}
	return n.describe(), nil
}

// RemoveNode kills a node without a goodbye. It stays in everyone's netmap and is a black hole.
func (l *Lab) RemoveNode(name string) error {
	n, err := l.find(name)
	if err != nil {
		return err
	}
	l.forget(name)
	n.cut()
	l.bury(n)
	return nil
}

// AddForward adds a forward to a running node.
func (l *Lab) AddForward(name string, forward Forward) error {
	n, err := l.find(name)
	if err != nil {
		return err
	}
	return n.forward(forward)
}

// AddRecord adds a name to the tailnet's DNS; one without a dot is put in the tailnet's domain.
// Nodes that are connected know it on return.
func (l *Lab) AddRecord(ctx context.Context, name string, address netip.Addr) error {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" || !address.IsValid() {
		return message.Errorf(message.Protocol, "a record needs a name and an address")
	}
	if !strings.Contains(name, ".") {
		name += "." + Domain
	}
	l.control.server.AddDNSRecords(tailcfg.DNSRecord{Name: name, Value: address.Unmap().String()})
	l.control.spread(ctx, key.NodePublic{})
	return nil
}

// Close ends the lab and everything in it.
func (l *Lab) Close() {
	l.mu.Lock()
	nodes := l.nodes
	l.nodes = map[string]*node{}
	l.order = nil
	l.closed = true
	l.mu.Unlock()
	for _, n := range nodes {
		l.bury(n)
	}
	l.awaitBuried()
	if l.control != nil {
		l.control.close()
	}
	if l.resolver != nil {
		l.resolver.close()
	}
	if l.relay != nil {
		l.relay.Close()
	}
}

// awaitBuried waits for nodes to be closed, but not for ever, as tsnet may: with more than a queue
// full of connections in TIME-WAIT, Close sends their resets to a reader that it has stopped.
func (l *Lab) awaitBuried() {
	buried := make(chan struct{})
	go func() {
		l.dying.Wait()
		close(buried)
	}()
	select {
	case <-buried:
	case <-time.After(buryWait):
	}
}

func (l *Lab) newNode(name string) (*node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, message.Errorf(message.NotConnected, "the lab is closed")
	}
	if _, ok := l.nodes[name]; ok {
		return nil, message.Errorf(message.Busy, "the lab has a node %s already", name)
	}
	n := newNode(l, name)
	l.nodes[name] = n
	l.order = append(l.order, name)
	return n, nil
}

func (l *Lab) find(name string) (*node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.nodes[name]
	if !ok {
		return nil, message.Errorf(message.NoSuchHost, "the lab has no node %s", name)
	}
	return n, nil
}

func (l *Lab) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.nodes, name)
	for i, n := range l.order {
		if n == name {
			l.order = append(l.order[:i:i], l.order[i+1:]...)
		}
	}
}

// bury closes a node in the background: that takes a while and nobody waits for it but Close.
func (l *Lab) bury(n *node) { l.dying.Go(n.close) }

// introduce waits until the lab's nodes can answer a handshake of newcomer.
func (l *Lab) introduce(ctx context.Context, newcomer *tailcfg.Node) {
	l.mu.Lock()
	var others []*node
	for _, n := range l.nodes {
		if n.ready() && n.key != newcomer.Key {
			others = append(others, n)
		}
	}
	l.mu.Unlock()
	for _, n := range others {
		n.awaitPeer(ctx, newcomer)
	}
}
