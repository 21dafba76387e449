package noderole

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// outside is a destination that only exit nodes of the lab serve.
const outside = "198.51.100.7"

func addExitNode(t testing.TB, l *lab.Lab, name string, approved bool) lab.Node {
	t.Helper()
	n, err := l.AddExitNode(t.Context(), name, approved)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (d *driver) trySetExitNode(nodes ...string) (*message.ExitNode, error) {
	if nodes == nil {
		nodes = []string{}
	}
	result, err := tryCall[message.ExitNodeResult](d, message.MethodSetExitNode, message.SetExitNode{Nodes: nodes})
	return result.Node, err
}

func (d *driver) setExitNode(nodes ...string) *message.ExitNode {
	d.t.Helper()
	node, err := d.trySetExitNode(nodes...)
	if err != nil {
		d.t.Fatalf("setting %v: %v", nodes, err)
	}
	return node
}

// exitNodeIs waits for the event of a state.
func (d *driver) exitNodeIs(state message.ExitNodeState) message.ExitNodeEvent {
	d.t.Helper()
	for {
		if event := within(d.t, "exitNodeState "+string(state), d.exitNodes); event.State == state {
			return event
		}
	}
}

func (d *driver) status() message.Status {
	d.t.Helper()
	return request[message.Status](d, message.MethodStatus, message.Empty{})
}

// greeting returns the page of TEST-NET, which names the exit node that serves it.
func greeting(socks string) (string, error) {
	conn, _, err := dialSocks(socks, outside, lab.HTTPPort)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	page, err := io.ReadAll(conn)
	return string(page), err
}

func servedBy(t testing.TB, socks, name string) {
	t.Helper()
	page, err := greeting(socks)
	if want := "This is  " + name + "." + lab.Domain + " "; err != nil || !strings.Contains(page, want) {
		t.Errorf("the page is %q, %v; want it from %s", page, err, name)
	}
}

// download reads from chargen by the exit node until that ends, and has had something when it returns.
func download(t testing.TB, socks string) (ended <-chan error) {
	t.Helper()
	conn := mustDial(t, socks, outside, lab.ChargenPort)
	if _, err := io.ReadFull(conn, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn)
		end <- err
	}()
	return end
}

func TestAnExitNodeIsSetByAnythingThatNamesIt(t *testing.T) {
	l := startLab(t, lab.Options{})
	second := addExitNode(t, l, "second", true)
	d, socks := joined(t, l)
	listed := request[message.ExitNodes](d, message.MethodExitNodes, message.Empty{}).Nodes
	if len(listed) != 2 || listed[0].Name != "exit."+lab.Domain || listed[1].Name != second.Name || !listed[1].Online || listed[1].Selected {
		t.Fatalf("the exit nodes are %+v", listed)
	}
	for _, wanted := range []string{
		"second", "SECOND", second.Name, second.Name + ".", second.Addresses[0].String(), second.Addresses[1].String(), listed[1].ID,
	} {
		t.Run(wanted, func(t *testing.T) {
			d.setExitNode("exit")
			if node := d.setExitNode(wanted); node == nil || node.Name != second.Name || !node.Selected || !node.Online || node.ID != listed[1].ID {
				t.Fatalf("it is %+v", node)
			}
			servedBy(t, socks, "second")
			status := d.status().ExitNode
			if status == nil || status.State != message.ExitNodeIsUp || !slices.Equal(status.Wanted, []string{wanted}) || status.Node.Name != second.Name {
				t.Errorf("the status is %+v", status)
			}
		})
	}
	t.Run("auto", func(t *testing.T) {
		d.setExitNode()
		suggested := request[message.ExitNodeResult](d, message.MethodSuggestExitNode, message.Empty{}).Node
		if suggested == nil || suggested.Selected {
			t.Errorf("suggested is %+v", suggested)
		}
		node := d.setExitNode("auto")
		if node == nil {
			t.Fatal("there is none")
		}
		host, _, _ := strings.Cut(node.Name, ".")
		servedBy(t, socks, host)
	})
	t.Run("none", func(t *testing.T) {
		d.exitNodeIs(message.ExitNodeIsUp)
		if node := d.setExitNode(); node != nil || d.status().ExitNode != nil {
			t.Errorf("it is %+v", node)
		}
		if event := d.exitNodeIs(message.ExitNodeIsNone); event.Node != nil {
			t.Errorf("the event is %+v", event)
		}
	})
}

func TestWhatCannotBeTheExitNodeHasAReasonAndTheFormerStays(t *testing.T) {
	l := startLab(t, lab.Options{})
	addExitNode(t, l, "berlin", true)
	addExitNode(t, l, "paris", false)
	addExitNode(t, l, "gone", true)
	if err := l.TakeOffline(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	addExitNode(t, l, "dead", true)
	d := newDriver(t)
	if _, err := d.trySetExitNode("exit"); message.CodeOf(err) != message.NotConnected {
		t.Errorf("before the start: %v", err)
	}
	self := d.start(l)
	socks := d.listen()
	if err := l.RemoveNode("dead"); err != nil {
		t.Fatal(err)
	}
	d.setExitNode("exit")
	kept := download(t, socks)
	for _, tt := range []struct {
		name   string
		wanted []string
		code   message.Code
		says   []string
	}{
		{"an unknown name", []string{"berlni"}, message.NoSuchHost, []string{`"berlni"`, "did you mean berlin?"}},
		{"a name like no other", []string{"tokyo-office"}, message.NoSuchHost, []string{"the exit nodes are berlin, dead, exit, gone"}},
		{"an unknown address", []string{"100.99.98.97"}, message.NoSuchHost, []string{"100.99.98.97"}},
		{"an unknown complete name", []string{"exit.other.ts.net"}, message.NoSuchHost, []string{"exit"}},
		{"no exit node", []string{"hello"}, message.Denied, []string{"hello is not an exit node"}},
		{"one that nobody approved", []string{"paris"}, message.Denied, []string{"paris offers itself", "approved"}},
		{"one that is offline", []string{"gone"}, message.ExitNodeDown, []string{"gone is offline"}},
		{"one that does not answer", []string{"dead"}, message.ExitNodeDown, []string{"dead does not answer"}},
		{"this node", []string{self.Hostname}, message.Denied, []string{"this node itself"}},
		{"several", []string{"paris", "gone", "nobody-here"}, message.ExitNodeDown, []string{"paris offers", "gone is offline", "nobody-here"}},
		{"an empty name", []string{""}, message.Protocol, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.trySetExitNode(tt.wanted...)
			if message.CodeOf(err) != tt.code {
				t.Fatalf("got %s: %v", message.CodeOf(err), err)
			}
			for _, text := range tt.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %q", err, text)
				}
			}
			if status := d.status().ExitNode; status == nil || status.State != message.ExitNodeIsUp || !slices.Equal(status.Wanted, []string{"exit"}) {
				t.Errorf("the status is %+v", status)
			}
		})
	}
	select {
	case err := <-kept:
		t.Errorf("what went by the exit node ended: %v", err)
	default:
	}
	servedBy(t, socks, "exit")
	if node := d.setExitNode("paris", "dead", "berlin"); node.Name != "berlin."+lab.Domain {
		t.Errorf("of three the one that works is %+v", node)
	}
}

func TestASwitchEndsWhatWentByTheFormerExitNode(t *testing.T) {
	l := startLab(t, lab.Options{})
	addExitNode(t, l, "second", true)
	d, socks := joined(t, l)
	hello := mustDial(t, socks, "hello", lab.EchoPort)
	within(t, "hello's flow", d.opened)
	d.setExitNode("exit")
	ended := download(t, socks)
	opened := within(t, "the flow", d.opened)
	if opened.Route != message.RouteExit || opened.Peer != "exit."+lab.Domain {
		t.Errorf("the flow is %+v", opened)
	}
	// Another list with the same node in force cuts nothing.
	d.setExitNode("exit", "second")
	select {
	case err := <-ended:
		t.Fatalf("it ended with the list: %v", err)
	default:
	}
	d.setExitNode("second")
	if err := within(t, "the end", ended); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the download ended with %v", err)
	}
	if closed := within(t, "flowClosed", d.closed); closed.Flow != opened.Flow || message.CodeOf(closed.Error) != message.Aborted ||
		!strings.Contains(closed.Error.Message, "from exit to second") {
		t.Errorf("the flow ended as %+v", closed)
	}
	servedBy(t, socks, "second")
	ended = download(t, socks)
	d.setExitNode()
	if err := within(t, "the end", ended); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the download ended with %v", err)
	}
	hello.Write([]byte("x"))
	if _, err := io.ReadFull(hello, make([]byte, 1)); err != nil {
		t.Errorf("the tailnet's own connection: %v", err)
	}
}

func TestADialDuringASwitchGoesByTheNextExitNode(t *testing.T) {
	l := startLab(t, lab.Options{})
	addExitNode(t, l, "second", true)
	d, socks := joined(t, l)
	d.setExitNode("exit")
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			conn, _, err := dialSocks(socks, outside, lab.EchoPort)
			if err != nil {
				done <- err
				return
			}
			conn.Close()
		}
	}()
	for range 5 {
		d.setExitNode("second")
		d.setExitNode("exit")
	}
	close(stop)
	if err := within(t, "the dials", done); err != nil {
		t.Errorf("a dial failed: %v", err)
	}
	if dials := d.role.host.Dials(); dials != 0 {
		t.Errorf("the host was dialled %d times", dials)
	}
}

func TestADeadExitNodeIsReplacedByTheNext(t *testing.T) {
	l := startLab(t, lab.Options{})
	addExitNode(t, l, "second", true)
	d, socks := joined(t, l)
	d.setExitNode("exit", "second")
	d.exitNodeIs(message.ExitNodeIsUp)
	ended := download(t, socks)
	if err := l.RemoveNode("exit"); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "the end", ended); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the download ended with %v", err)
	}
	if closed := within(t, "flowClosed", d.closed); message.CodeOf(closed.Error) != message.ExitNodeDown {
		t.Errorf("the flow ended as %+v", closed)
	}
	if down := d.exitNodeIs(message.ExitNodeIsDown); down.Node.Name != "exit."+lab.Domain || !strings.Contains(down.Reason, "does not answer") {
		t.Errorf("it went down as %+v", down)
	}
	if up := d.exitNodeIs(message.ExitNodeIsUp); up.Node.Name != "second."+lab.Domain || !up.Node.Selected {
		t.Errorf("the next is %+v", up)
	}
	servedBy(t, socks, "second")
	if dials := d.role.host.Dials(); dials != 0 {
		t.Errorf("the host was dialled %d times", dials)
	}
}

func TestWithNoOtherExitNodeEverythingFailsUntilItIsBack(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	p := d.program(message.Policy{})
	d.setExitNode("exit")
	d.exitNodeIs(message.ExitNodeIsUp)
	d.run = "a"
	hello := mustDial(t, socks, "hello", lab.EchoPort)
	ended := download(t, socks)
	if err := l.RemoveNode("exit"); err != nil {
		t.Fatal(err)
	}
	// One that is under way ends too.
	_, _, err := dialSocks(socks, outside, lab.EchoPort)
	failsDown(t, err)
	if err := within(t, "the end", ended); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the download ended with %v", err)
	}
	d.exitNodeIs(message.ExitNodeIsDown)
	status := d.status().ExitNode
	if status == nil || status.State != message.ExitNodeIsDown || status.Reason == "" || status.Node == nil {
		t.Errorf("the status is %+v", status)
	}
	if !p.Board.Everything() {
		t.Error("the board has programs go directly")
	}
	_, _, err = dialSocks(socks, outside, lab.EchoPort)
	failsDown(t, err)
	destination := netip.AddrPortFrom(netip.MustParseAddr(outside), lab.EchoPort)
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, destination); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("connect gave %v", err)
	}
	if got := p.Failure(s.Cookie); got != message.ExitNodeDown.Errno() {
		t.Errorf("the board has %v", got)
	}
	sends := &sender{d, p}
	if flow, errno := sends.open(listenUDP(t), destination); errno != message.ExitNodeDown.Errno() {
		t.Errorf("datagrams: %v, %v", flow, errno)
	}
	if _, err := d.role.node.Load().DialDNS(t.Context(), "udp", destination); message.CodeOf(err) != message.ExitNodeDown {
		t.Errorf("a resolver outside: %v", err)
	}
	hello.Write([]byte("x"))
	if _, err := io.ReadFull(hello, make([]byte, 1)); err != nil {
		t.Errorf("the tailnet's own connection: %v", err)
	}
	mustDial(t, socks, "hello", lab.EchoPort)
	if dials := d.role.host.Dials(); dials != 0 {
		t.Errorf("the host was dialled %d times", dials)
	}
	addExitNode(t, l, "exit", true)
	d.exitNodeIs(message.ExitNodeIsUp)
	servedBy(t, socks, "exit")
}

func failsDown(t testing.TB, err error) {
	t.Helper()
	var refusal socksError
	if !errors.As(err, &refusal) || byte(refusal) != replyOf(message.ExitNodeDown) {
		t.Errorf("the client got %v", err)
	}
}

func TestTheControlServersWordEndsAnExitNodeToo(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	d.setExitNode("exit")
	ended := download(t, socks)
	if err := l.SetExitNodeApproved(t.Context(), "exit", false); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "the end", ended); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the download ended with %v", err)
	}
	if down := d.exitNodeIs(message.ExitNodeIsDown); !strings.Contains(down.Reason, "approved") {
		t.Errorf("it went down as %+v", down)
	}
	_, _, err := dialSocks(socks, outside, lab.EchoPort)
	failsDown(t, err)
	if err := l.SetExitNodeApproved(t.Context(), "exit", true); err != nil {
		t.Fatal(err)
	}
	d.exitNodeIs(message.ExitNodeIsUp)
	servedBy(t, socks, "exit")
	if err := l.TakeOffline(t.Context(), "exit"); err != nil {
		t.Fatal(err)
	}
	if down := d.exitNodeIs(message.ExitNodeIsDown); !strings.Contains(down.Reason, "offline") {
		t.Errorf("it went down as %+v", down)
	}
	if dials := d.role.host.Dials(); dials != 0 {
		t.Errorf("the host was dialled %d times", dials)
	}
}

func TestProgramsObeyTheExitNodeByEveryWay(t *testing.T) {
	l := startLab(t, lab.Options{})
	addExitNode(t, l, "second", true)
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{})
	board := p.Board
	if board.Everything() {
		t.Error("the board has everything go by an exit node that is none")
	}
	d.setExitNode("exit")
	if !board.Everything() {
		t.Error("the board has programs go directly with an exit node")
	}
	destination := netip.AddrPortFrom(netip.MustParseAddr(outside), lab.EchoPort)
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, destination); err != nil {
		t.Fatal(err)
	}
	opened := within(t, "flowOpened", d.opened)
	if opened.Route != message.RouteExit || opened.Peer != "exit."+lab.Domain {
		t.Errorf("the flow is %+v", opened)
	}
	sends := &sender{d, p}
	conn := listenUDP(t)
	flow := sends.mustOpen(conn, destination)
	echo(t, conn, flow, []byte("one"))
	if opened := within(t, "flowOpened", d.opened); opened.Route != message.RouteExit || opened.Peer != "exit."+lab.Domain {
		t.Errorf("the flow of datagrams is %+v", opened)
	}
	d.setExitNode("second")
	if _, err := s.Read(); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the connection ended with %v", err)
	}
	for range 2 {
		if closed := within(t, "flowClosed", d.closed); message.CodeOf(closed.Error) != message.Aborted {
			t.Errorf("a flow ended as %+v", closed)
		}
	}
	// Datagrams have no connection that could end: the next ones go by the next exit node.
	echo(t, conn, flow, []byte("two"))
	if opened := within(t, "flowOpened", d.opened); opened.Network != message.NetworkUDP || opened.Peer != "second."+lab.Domain {
		t.Errorf("the flow of datagrams is %+v", opened)
	}
	if dials := d.role.host.Dials(); dials != 0 {
		t.Errorf("the host was dialled %d times", dials)
	}
	d.setExitNode()
	if board.Everything() {
		t.Error("the board still has an exit node")
	}
}

func TestTheHostsOwnNetworkIsReachedWhenThatIsAsked(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	local := hostAddress(t)
	listener, err := net.Listen("tcp", netip.AddrPortFrom(local, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	accepted := make(chan net.Conn, many)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	d.setExitNode("exit")
	if _, _, err := dialSocks(socks, local.String(), port); err == nil {
		t.Error("it was reached without LAN access")
	}
	if dials := d.role.host.Dials(); dials != 0 {
		t.Errorf("the host was dialled %d times", dials)
	}
	request[message.ExitNodeResult](d, message.MethodSetExitNode, message.SetExitNode{Nodes: []string{"exit"}, LANAccess: true})
	mustDial(t, socks, local.String(), port)
	within(t, "the connection", accepted).Close()
	if status := d.status().ExitNode; status == nil || !status.LANAccess {
		t.Errorf("the status is %+v", status)
	}
	dials := d.role.host.Dials()
	servedBy(t, socks, "exit")
	if now := d.role.host.Dials(); dials != 1 || now != dials {
		t.Errorf("the host was dialled %d times, then %d", dials, now)
	}
}

// hostAddress returns an address of this host in a private network.
func hostAddress(t *testing.T) netip.Addr {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && prefix.Addr().IsPrivate() {
			return prefix.Addr()
		}
	}
	t.Skip("skipped: needs an address in a private network")
	panic("unreachable")
}
