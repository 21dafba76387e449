package noderole

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// exported returns what exports a target on port 8000.
func exported(target string) message.Export {
	return message.Export{
		Network: message.NetworkTCP, Port: 8000, Targets: []string{target},
		Allow: message.Allow{Users: []string{}, Tags: []string{}}, MaxConnections: many,
	}
}

// greeter is a program that greets, and ends when its caller does.
func greeter(t testing.TB) string {
	t.Helper()
	return serves(t, func(conn *net.TCPConn) {
		io.WriteString(conn, "hello")
		io.Copy(io.Discard, conn)
	}).String()
}

func greeted(t testing.TB, conn *net.TCPConn) {
	t.Helper()
	conn.CloseWrite()
	if text, err := io.ReadAll(conn); string(text) != "hello" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestAnExportIsReachedFromAnotherNodeAndFromThisOne(t *testing.T) {
	l := startLab(t, lab.Options{})
	server, ownSocks := joined(t, l)
	self := *request[message.Status](server, message.MethodStatus, message.Empty{}).Node
	result := request[message.ExportResult](server, message.MethodExport, exported(greeter(t)))
	if len(result.Addresses) != 2 || result.Addresses[0] != net.JoinHostPort(self.Addresses[0], "8000") {
		t.Errorf("it says %v; the node has %v", result.Addresses, self.Addresses)
	}
	client, socks := joined(t, l)
	caller := request[message.Status](client, message.MethodStatus, message.Empty{}).Node
	for _, address := range self.Addresses {
		greeted(t, mustDial(t, socks, address, 8000))
		opened := within(t, "flowOpened", server.opened)
		source := netip.MustParseAddrPort(opened.Source)
		if opened.Direction != message.DirectionInbound || opened.Export != result.Export || opened.Peer != caller.Name ||
			opened.Destination != net.JoinHostPort(address, "8000") || opened.Route != message.RouteTailnet || opened.Run != "" ||
			source.Addr().Is4() != !strings.Contains(address, ":") {
			t.Errorf("the flow is %+v", opened)
		}
		if closed := within(t, "flowClosed", server.closed); closed.BytesUp != 5 || closed.Flow != opened.Flow || closed.Error != nil {
			t.Errorf("its end is %+v", closed)
		}
	}
	// A program reaches what its own node exports.
	greeted(t, mustDial(t, ownSocks, self.Addresses[0], 8000))
	for range 2 {
		if closed := within(t, "flowClosed", server.closed); closed.Error != nil {
			t.Errorf("a flow to itself ended with %v", closed.Error)
		}
	}
}

func TestAnExportsRunIsAskedAboutAndEndsIt(t *testing.T) {
	l := startLab(t, lab.Options{})
	server := newDriver(t)
	server.start(l)
	_, err := tryCall[message.ExportResult](server, message.MethodExport, message.Export{
		Run: "nobody", Network: message.NetworkTCP, Port: 1, Targets: []string{"127.0.0.1:1"}, MaxConnections: 1,
	})
	if message.CodeOf(err) != message.Denied {
		t.Errorf("an export of a run that is not there: %v", err)
	}
	server.call(message.MethodRegister, register("a", message.Policy{}))
	asks := make(chan message.Ask, 1)
	server.answer(func(ask message.Ask) (message.AskResult, error) {
		asks <- ask
		return message.AskResult{Allow: true}, nil
	})
	params := exported(greeter(t))
	params.Run, params.Ask = "a", true
	result := request[message.ExportResult](server, message.MethodExport, params)
	_, socks := joined(t, l)
	host, _, _ := net.SplitHostPort(result.Addresses[0])
	conn := mustDial(t, socks, host, 8000)
	if ask := within(t, "the ask", asks); ask.Export != result.Export || ask.Run != "a" || ask.Peer == "" || ask.User == "" {
		t.Errorf("asked %+v", ask)
	}
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	server.call(message.MethodUnregister, message.Unregister{Run: "a"})
	if _, err := conn.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("its connection ends with %v; want a reset", err)
	}
	if closed := within(t, "flowClosed", server.closed); closed.Error == nil || closed.Error.Code != message.Aborted {
		t.Errorf("the flow's end is %+v", closed)
	}
	if left := request[message.Exports](server, message.MethodExports, message.Empty{}).Exports; len(left) != 0 {
		t.Errorf("left is %+v", left)
	}
	// The port is free when unregister is answered.
	request[message.ExportResult](server, message.MethodExport, exported("127.0.0.1:1"))
}

func TestTheSidecarKnowsWhoIsWho(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	self := d.start(l)
	hello, _ := l.Node(lab.HelloName)
	for address, want := range map[string]string{
		hello.Addresses[0].String(): hello.Name, self.Addresses[0]: self.Name, "100.127.0.1": "", "192.0.2.1": "",
	} {
		found := request[message.WhoisResult](d, message.MethodWhois, message.Whois{Address: address}).Peer
		switch {
		case want == "" && found != nil:
			t.Errorf("%s is %+v", address, found)
		case want != "" && (found == nil || found.Name != want || found.User == ""):
			t.Errorf("%s is %+v; want %s", address, found, want)
		}
	}
}

func TestListenersAreLookedForByTheirCookies(t *testing.T) {
	d := newDriver(t)
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var cookie uint64
	raw.Control(func(fd uintptr) { cookie, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE) })
	if err != nil {
		t.Fatal(err)
	}
	socket := message.ListeningSocket{Address: listener.Addr().String(), Cookie: message.Cookie(strconv.FormatUint(cookie, 10))}
	other := message.ListeningSocket{Address: socket.Address, Cookie: "18446744073709551614"}
	ask := message.Listening{Sockets: []message.ListeningSocket{socket, other}}
	if got := request[message.ListeningResult](d, message.MethodListening, ask).Listening; !got[0] || got[1] {
		t.Errorf("got %v", got)
	}
	listener.Close()
	if got := request[message.ListeningResult](d, message.MethodListening, ask).Listening; got[0] || got[1] {
		t.Errorf("after its close: %v", got)
	}
}

func TestAProgramGetsAConnectionToItsRunsControlSocket(t *testing.T) {
	d := newDriver(t)
	path := d.serveDials()
	control := filepath.Join(t.TempDir(), "control.sock")
	listener, err := net.Listen("unix", control)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	run := register("a", message.Policy{})
	run.Control = control
	d.call(message.MethodRegister, run)
	if _, errno := dialtest.Must(t, path, token).Control(); errno != 0 {
		t.Fatal(errno)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := os.Remove(control); err != nil {
		t.Fatal(err)
	}
}

func TestAServiceIsReachedAtItsAddress(t *testing.T) {
	l := startLab(t, lab.Options{})
	server := newDriver(t)
	params := exported(greeter(t))
	params.Service = "svc:web"
	self := request[message.Node](server, message.MethodStart, message.Start{
		Hostname: "server", StateDir: server.dir, ControlURL: l.ControlURL(), Ephemeral: true, Tags: []string{"tag:web"},
	})
	_, socks := joined(t, l)
	shared := []netip.Addr{netip.MustParseAddr("100.100.0.7"), netip.MustParseAddr("fd7a:115c:a1e0::a007")}
	if err := l.HostService(t.Context(), self.Name, params.Service, shared...); err != nil {
		t.Fatal(err)
	}
	result := request[message.ExportResult](server, message.MethodExport, params)
	if want := netip.AddrPortFrom(shared[0], 8000).String(); len(result.Addresses) != 2 || result.Addresses[0] != want {
		t.Errorf("it is at %v", result.Addresses)
	}
	for _, addr := range shared {
		greeted(t, mustDial(t, socks, addr.String(), 8000))
	}
	if _, _, err := dialSocks(socks, self.Addresses[0], 8000); err == nil {
		t.Error("the node's own port is open")
	}
}

func TestOnlyATaggedNodeHostsAService(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	params := exported("127.0.0.1:1")
	params.Service = "svc:web"
	if _, err := tryCall[message.ExportResult](d, message.MethodExport, params); message.CodeOf(err) != message.Denied {
		t.Errorf("got %v", err)
	}
	if left := request[message.Exports](d, message.MethodExports, message.Empty{}).Exports; len(left) != 0 {
		t.Errorf("left is %+v", left)
	}
}
