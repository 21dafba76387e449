package noderole

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// patience is how long a test waits for what must come, far more than it takes.
const patience = time.Minute

// startLab starts a lab for one test.
func startLab(t testing.TB, options lab.Options) *lab.Lab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := lab.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// driver plays Node's part: it speaks the channel and negotiates SOCKS5 without authentication.
type driver struct {
	t    testing.TB
	conn *channel.Conn
	role *role // of the sidecar, when it is in this process
	dir  string
	done chan error // what Run returned

	// run is sent with each dial; deadline is its limit.
	run      string
	deadline time.Duration
	ask      func(message.Ask) (message.AskResult, error)
	// negotiate replaces the SOCKS negotiation.
	negotiate func(d *driver, event message.Client)

	mu        sync.Mutex
	greeted   map[message.ID]bool
	states    []message.State
	details   []message.StateEvent
	authURLs  chan string
	gone      chan message.ClientGone
	opened    chan message.FlowOpened
	closed    chan message.FlowClosed
	dialed    chan dialed
	exports   chan message.ExportState
	exitNodes chan message.ExitNodeEvent
	closeOnce sync.Once
}

type dialed struct {
	result message.ClientDialResult
	err    error
}

const many = 10000

// newDriver speaks with a sidecar in this process.
func newDriver(t testing.TB) *driver {
	t.Helper()
	ours, theirs := net.Pipe()
	d := prepareDriver(t, ours)
	d.role = newRole(context.Background(), theirs)
	go func() { d.done <- d.role.run(context.Background()) }()
	d.begin()
	return d
}

// prepareDriver returns a driver that does not read yet.
func prepareDriver(t testing.TB, ours io.ReadWriteCloser) *driver {
	d := &driver{
		t:   t,
		dir: t.TempDir() + "/state", // made first, so removed last

		conn:     channel.New(ours),
		done:     make(chan error, 1),
		deadline: patience,
		greeted:  map[message.ID]bool{},
		authURLs: make(chan string, many),
		gone:     make(chan message.ClientGone, many),
		opened:   make(chan message.FlowOpened, many),
		closed:   make(chan message.FlowClosed, many),
		dialed:   make(chan dialed, many),
		exports:  make(chan message.ExportState, many),

		exitNodes: make(chan message.ExitNodeEvent, many),
	}
	channel.HandleEvent(d.conn, message.EventState, func(e message.StateEvent) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.states = append(d.states, e.State)
		d.details = append(d.details, e)
	})
	channel.HandleEvent(d.conn, message.EventAuthURL, func(e message.AuthURL) { d.authURLs <- e.URL })
	channel.HandleEvent(d.conn, message.EventClientGone, func(e message.ClientGone) { d.gone <- e })
	channel.HandleEvent(d.conn, message.EventFlowOpened, func(e message.FlowOpened) { d.opened <- e })
	channel.HandleEvent(d.conn, message.EventFlowClosed, func(e message.FlowClosed) { d.closed <- e })
	channel.HandleEvent(d.conn, message.EventExportState, func(e message.ExportState) { d.exports <- e })
	channel.HandleEvent(d.conn, message.EventExitNodeState, func(e message.ExitNodeEvent) { d.exitNodes <- e })
	channel.HandleEvent(d.conn, message.EventLog, func(message.Log) {})
	channel.HandleEvent(d.conn, message.EventClient, d.client)
	channel.HandleRequest(d.conn, message.MethodAsk, func(_ context.Context, q message.Ask) (message.AskResult, error) {
		d.mu.Lock()
		ask := d.ask
		d.mu.Unlock()
		return ask(q)
	})
	return d
}

// answer has the sidecar's questions answered by ask.
func (d *driver) answer(ask func(message.Ask) (message.AskResult, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ask = ask
}

func (d *driver) begin() {
	go d.conn.Serve(context.Background())
	d.t.Cleanup(d.close)
	request[message.HelloResult](d, message.MethodHello, message.Hello{Protocol: message.ProtocolVersion, Driver: "test"})
	d.call(message.MethodWatchFlows, message.WatchFlows{Watch: true})
}

// close ends the channel and waits for the sidecar's end.
func (d *driver) close() {
	d.closeOnce.Do(func() {
		d.conn.End(nil)
		select {
		case err := <-d.done:
			if err != nil {
				d.t.Errorf("the sidecar ended with: %v", err)
			}
		case <-time.After(patience):
			d.t.Error("the sidecar did not end with its channel")
		}
	})
}

func (d *driver) call(method string, params any) {
	d.t.Helper()
	request[message.Empty](d, method, params)
}

func request[R any](d *driver, method string, params any) R {
	d.t.Helper()
	result, err := tryCall[R](d, method, params)
	if err != nil {
		d.t.Fatalf("%s: %v", method, err)
	}
	return result
}

func tryCall[R any](d *driver, method string, params any) (R, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return channel.Call[R](ctx, d.conn, method, params)
}

// client negotiates: method 0 to the greeting, a dial to the request.
func (d *driver) client(event message.Client) {
	if d.negotiate != nil {
		go d.negotiate(d, event)
		return
	}
	d.mu.Lock()
	first := !d.greeted[event.Client]
	d.greeted[event.Client] = true
	d.mu.Unlock()
	bytes := event.Bytes
	if first {
		greeting := 2 + int(bytes[1])
		if len(bytes) == greeting {
			d.notify(message.EventClientWrite, message.ClientWrite{Client: event.Client, Bytes: []byte{5, 0}})
			return
		}
		// All in one write, as the preload library does it.
		d.notifyDial(event.Client, bytes[greeting:], []byte{5, 0})
		return
	}
	d.notifyDial(event.Client, bytes, nil)
}

func (d *driver) notifyDial(client message.ID, request, before []byte) {
	host, port, rest := parseRequest(request)
	params := message.ClientDial{
		Client:     client,
		Run:        d.run,
		Network:    message.NetworkTCP,
		Host:       host,
		Port:       port,
		DeadlineMs: message.Timeout(d.deadline.Milliseconds()),
		OnSuccess:  append(before, 5, 0, 0),
		Leftover:   rest,
	}
	go func() {
		result, err := channel.Call[message.ClientDialResult](context.Background(), d.conn, message.MethodClientDial, params)
		if err != nil {
			reply := append(before, 5, replyOf(message.CodeOf(err)), 0, 1, 0, 0, 0, 0, 0, 0)
			d.notify(message.EventClientClose, message.ClientClose{Client: client, Bytes: reply})
		}
		d.dialed <- dialed{result, err}
	}()
}

func (d *driver) notify(event string, params any) { _ = d.conn.Notify(event, params) }

func parseRequest(b []byte) (host string, port uint16, rest []byte) {
	var end int
	switch b[3] {
	case 1:
		end = 8
		host = netip.AddrFrom4([4]byte(b[4:end])).String()
	case 4:
		end = 20
		host = netip.AddrFrom16([16]byte(b[4:end])).String()
	default:
		end = 5 + int(b[4])
		host = string(b[5:end])
	}
	return host, binary.BigEndian.Uint16(b[end:]), b[end+2:]
}

// replies is packages/sidecar/vectors/errors.json in small.
func replyOf(code message.Code) byte {
	switch code {
	case message.Refused:
		return 5
	case message.Unreachable, message.NoSuchHost:
		return 4
	case message.TimedOut:
		return 6
	case message.Denied:
		return 2
	case message.NotConnected, message.ExitNodeDown, message.NoRoute:
		return 3
	}
	return 1
}

// start joins the lab.
func (d *driver) start(l *lab.Lab) message.Node {
	d.t.Helper()
	return request[message.Node](d, message.MethodStart, message.Start{
		Hostname:   "client",
		StateDir:   d.dir,
		ControlURL: l.ControlURL(),
		Ephemeral:  true,
	})
}

// listen opens a listener for any number of clients.
func (d *driver) listen() string {
	d.t.Helper()
	return request[message.ListenSocksResult](d, message.MethodListenSocks, message.ListenSocks{
		Host: "127.0.0.1", Cap: many, HandshakeMs: message.Timeout(patience.Milliseconds()),
	}).Address
}

// socksError is a reply other than success.
type socksError byte

func (e socksError) Error() string { return fmt.Sprintf("reply %d", byte(e)) }

// dialSocks connects to host:port through the proxy at socks, as a program would.
func dialSocks(socks, host string, port uint16) (*net.TCPConn, netip.AddrPort, error) {
	conn, err := net.Dial("tcp", socks)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	bound, err := negotiate(conn.(*net.TCPConn), host, port)
	if err != nil {
		conn.Close()
		return nil, netip.AddrPort{}, err
	}
	return conn.(*net.TCPConn), bound, nil
}

func socksRequest(host string, port uint16) []byte {
	request := []byte{5, 1, 0, 5, 1, 0}
	if addr, err := netip.ParseAddr(host); err != nil {
		request = append(append(request, 3, byte(len(host))), host...)
	} else if addr.Is4() {
		request = append(append(request, 1), addr.AsSlice()...)
	} else {
		request = append(append(request, 4), addr.AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(request, port)
}

func negotiate(conn *net.TCPConn, host string, port uint16) (netip.AddrPort, error) {
	conn.SetDeadline(time.Now().Add(patience))
	defer conn.SetDeadline(time.Time{})
	if _, err := conn.Write(socksRequest(host, port)); err != nil {
		return netip.AddrPort{}, err
	}
	return readReply(conn)
}

func readReply(conn io.Reader) (netip.AddrPort, error) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(conn, head); err != nil {
		return netip.AddrPort{}, err
	}
	if head[3] != 0 {
		return netip.AddrPort{}, socksError(head[3])
	}
	size := 4
	if head[5] == 4 {
		size = 16
	}
	rest := make([]byte, size+2)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return netip.AddrPort{}, err
	}
	addr, _ := netip.AddrFromSlice(rest[:size])
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(rest[size:])), nil
}

func mustDial(t testing.TB, socks, host string, port uint16) *net.TCPConn {
	t.Helper()
	conn, _, err := dialSocks(socks, host, port)
	if err != nil {
		t.Fatalf("dialling %s: %v", net.JoinHostPort(host, strconv.Itoa(int(port))), err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func within[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// serves is a program on loopback.
func serves(t testing.TB, serve func(conn *net.TCPConn)) netip.AddrPort {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				serve(conn)
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// peer serves one TCP service of this process on the tailnet, by a forward of a node of the lab.
func peer(t testing.TB, l *lab.Lab, name string, port uint16, serve func(conn *net.TCPConn)) {
	t.Helper()
	target := serves(t, serve)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := l.AddNode(ctx, name, lab.Forward{Port: port, Target: target}); err != nil {
		t.Fatal(err)
	}
}

// joined returns a started driver and its listener.
func joined(t testing.TB, l *lab.Lab) (*driver, string) {
	t.Helper()
	d := newDriver(t)
	d.start(l)
	return d, d.listen()
}
