package export

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

var (
	ours4, ours6   = netip.MustParseAddr("100.64.0.9"), netip.MustParseAddr("fd7a:115c:a1e0::9")
	shared4        = netip.MustParseAddr("100.100.0.7")
	peers4, peers6 = netip.MustParseAddr("100.64.0.1"), netip.MustParseAddr("fd7a:115c:a1e0::1")
)

// world is a node with exports, and a peer, with a wire between their stacks.
type world struct {
	t      testing.TB
	node   *netstack.Stack
	remote *netstack.Stack
	table  *Table
	board  *board.Board
	pool   splice.Pool
	hosts  atomic.Int32 // the services that are hosted
	ahead  atomic.Int64 // by how much the table's clock is, in nanoseconds

	mu     sync.Mutex
	known  *peers.Peer // whoever has peers4 and peers6
	ask    func(ctx context.Context, question message.Ask) error
	told   []message.ExportState
	news   chan struct{}
	inside []*Connection
	holder string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, node: newStack(t, ours4, ours6), remote: newStack(t, peers4, peers6),
		known: &peers.Peer{Name: "hello.ts.net", User: "ann@example.com", Addresses: []netip.Addr{peers4, peers6}},
		news:  make(chan struct{}, 1),
	}
	var err error
	if w.board, err = board.New(); err != nil {
		t.Fatal(err)
	}
	var wires sync.WaitGroup
	wires.Go(func() { carry(w.node, w.remote) })
	wires.Go(func() { carry(w.remote, w.node) })
	w.table = New(w)
	w.table.now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	t.Cleanup(func() {
		w.table.End()
		w.mu.Lock()
		for _, c := range w.inside {
			c.Reset(errClosed)
		}
		w.mu.Unlock()
		w.table.Wait()
		w.node.Close()
		w.remote.Close()
		wires.Wait()
		w.board.Close()
	})
	return w
}

func newStack(t testing.TB, addrs ...netip.Addr) *netstack.Stack {
	t.Helper()
	stack, err := netstack.New(netstack.Options{})
	if err == nil {
		err = stack.SetAddresses(addrs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// carry does WireGuard's part in one direction.
func carry(from, to *netstack.Stack) {
	const room = 16
	source, packets := from.Device(), make([][]byte, from.Device().BatchSize())
	sizes := make([]int, len(packets))
	for i := range packets {
		packets[i] = make([]byte, room+1<<16)
	}
	whole := make([][]byte, len(packets))
	for {
		n, err := source.Read(packets, sizes, room)
		if err != nil {
			return
		}
		for i, size := range sizes[:n] {
			whole[i] = packets[i][:room+size]
		}
		to.Device().Write(whole[:n], room)
	}
}

func (w *world) Listen() (*netstack.Stack, []netip.Addr, error) {
	return w.node, []netip.Addr{ours4, ours6}, nil
}

func (w *world) Own(addr netip.Addr) bool { return addr == ours4 || addr == ours6 }

// Service hosts whatever is asked for at shared4.
func (w *world) Service(context.Context, string) ([]netip.Addr, func(), error) {
	w.hosts.Add(1)
	return []netip.Addr{shared4}, func() { w.hosts.Add(-1) }, w.node.SetAddresses([]netip.Addr{ours4, ours6}, shared4)
}

func (w *world) Holder(context.Context, uint16) string { return w.holder }

func (w *world) Peer(addr netip.Addr) *peers.Peer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known != nil && (addr == peers4 || addr == peers6) {
		return w.known
	}
	return nil
}

func (w *world) Ask(ctx context.Context, question message.Ask) error { return w.ask(ctx, question) }
func (w *world) Board() *board.Board                                 { return w.board }

func (w *world) Carry(c *Connection) {
	w.mu.Lock()
	w.inside = append(w.inside, c)
	w.mu.Unlock()
	if c.Datagrams != nil {
		c.CarryDatagrams()
		return
	}
	splice.Join(c.Program, c.Tailnet, nil, &w.pool, &c.Counters)
}

func (w *world) Tell(state message.ExportState) {
	w.mu.Lock()
	w.told = append(w.told, state)
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// state waits until an export is told to do as is says.
func (w *world) state(what string, is func(message.ExportState) bool) message.ExportState {
	w.t.Helper()
	limit := time.After(patience)
	for {
		w.mu.Lock()
		for _, state := range w.told {
			if is(state) {
				w.mu.Unlock()
				return state
			}
		}
		w.mu.Unlock()
		select {
		case <-w.news:
		case <-limit:
			w.t.Fatalf("%s was not told; last %+v", what, w.told)
		}
	}
}

// open exports port 8000.
func (w *world) open(change func(*message.Export), targets ...string) message.ID {
	w.t.Helper()
	params := message.Export{
		Network: message.NetworkTCP, Port: 8000, Targets: targets,
		Allow: message.Allow{Users: []string{}, Tags: []string{}}, MaxConnections: 1_000,
	}
	if change != nil {
		change(&params)
	}
	result, err := w.table.Open(w.t.Context(), params)
	if err != nil {
		w.t.Fatal(err)
	}
	return result.Export
}

// dial connects as the peer.
func (w *world) dial(to netip.Addr) *netstack.Conn {
	w.t.Helper()
	conn, err := w.tryDial(to)
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

func (w *world) tryDial(to netip.Addr) (*netstack.Conn, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	conn, err := w.remote.DialTCP(ctx, netip.AddrPortFrom(to, 8000))
	if err == nil {
		w.t.Cleanup(conn.Abort)
	}
	return conn, err
}

// program listens on loopback and hands each connection to serve.
func program(t testing.TB, host string, serve func(conn *net.TCPConn)) string {
	t.Helper()
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Skipf("skipped: needs %s (%v)", host, err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				serve(conn)
			})
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return listener.Addr().String()
}

func echo(conn *net.TCPConn) { io.Copy(conn, conn) }

// says is a program that greets and ends.
func says(text string) func(conn *net.TCPConn) {
	return func(conn *net.TCPConn) { io.WriteString(conn, text) }
}
