package noderole

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"tailscale.com/net/tsaddr"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
)

// sender is a program of a run that sends datagrams.
type sender struct {
	*driver
	program *dialtest.Program
}

func newSender(t testing.TB, l *lab.Lab, policy message.Policy) *sender {
	t.Helper()
	d := newDriver(t)
	d.start(l)
	dir, err := os.MkdirTemp("", "tailproxy-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "dial.sock")
	request[message.ServeDialsResult](d, message.MethodServeDials, message.ServeDials{Path: path})
	d.call(message.MethodRegister, register("run", policy))
	return &sender{d, dialtest.Must(t, path, strings.Repeat("t", 32))}
}

// open asks for a flow of a socket, as sendto() of the library does.
func (s *sender) open(conn *net.UDPConn, destination netip.AddrPort) (netip.AddrPort, syscall.Errno) {
	s.t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	var answer []byte
	if err := raw.Control(func(fd uintptr) {
		answer = s.program.Ask(11, dialtest.Address(destination), int(fd))
	}); err != nil {
		s.t.Fatal(err)
	}
	if len(answer) != 28 {
		s.t.Fatalf("FLOWED is %x", answer)
	}
	address := netip.AddrFrom16([16]byte(answer[12:28]))
	if answer[8] == 4 {
		address = netip.AddrFrom4([4]byte(answer[12:16]))
	}
	return netip.AddrPortFrom(address, binary.LittleEndian.Uint16(answer[10:])), syscall.Errno(binary.LittleEndian.Uint32(answer[4:]))
}

func (s *sender) mustOpen(conn *net.UDPConn, destination netip.AddrPort) netip.AddrPort {
	s.t.Helper()
	flow, errno := s.open(conn, destination)
	if errno != 0 {
		s.t.Fatalf("a flow to %v: %v", destination, errno)
	}
	return flow
}

func listenUDP(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// echo sends a datagram and holds what comes back to it.
func echo(t testing.TB, conn *net.UDPConn, to netip.AddrPort, datagram []byte) {
	t.Helper()
	if _, err := conn.WriteToUDPAddrPort(datagram, to); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, from, err := conn.ReadFromUDPAddrPort(buf)
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if err != nil || from != to || !bytes.Equal(buf[:n], datagram) {
		t.Fatalf("%d bytes of %d came from %v, %v", n, len(datagram), from, err)
	}
}

func echoOf(node lab.Node) (v4, v6 netip.AddrPort) {
	for _, addr := range node.Addresses {
		if addr.Is4() {
			v4 = netip.AddrPortFrom(addr, lab.EchoPort)
		} else {
			v6 = netip.AddrPortFrom(addr, lab.EchoPort)
		}
	}
	return v4, v6
}

func TestDatagramsOfARunReachPeers(t *testing.T) {
	l := startLab(t, lab.Options{})
	s := newSender(t, l, message.Policy{})
	hello, _ := l.Node(lab.HelloName)
	v4, v6 := echoOf(hello)
	for _, tt := range []struct {
		destination netip.AddrPort
		sizes       []int
	}{
		{v4, []int{0, 1, 1_252, 1_253, 1_400, 8_000, 65_507}},
		// Tailscale's own stack, which the lab's nodes have, drops the first fragment of IPv6.
		{v6, []int{0, 1, 1_232}},
	} {
		conn := listenUDP(t)
		flow := s.mustOpen(conn, tt.destination)
		sum := 0
		for _, size := range tt.sizes {
			echo(t, conn, flow, bytes.Repeat([]byte{'x'}, size))
			sum += size
		}
		opened := within(t, "flowOpened", s.opened)
		if opened.Network != message.NetworkUDP || opened.Destination != tt.destination.String() || opened.Peer != hello.Name ||
			opened.Route != message.RouteTailnet || opened.Run != "run" || opened.PID == 0 {
			t.Errorf("the flow is %+v", opened)
		}
		source := netip.MustParseAddrPort(opened.Source)
		if source.Port() != conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() {
			t.Errorf("the source is %v", source)
		}
		if status := request[message.Status](s.driver, message.MethodStatus, message.Empty{}); status.BytesUp < uint64(sum) || status.Flows == 0 {
			t.Errorf("the status is %+v", status)
		}
	}
	s.call(message.MethodUnregister, message.Unregister{Run: "run"})
	for range 2 {
		closed := within(t, "flowClosed", s.closed)
		if closed.BytesUp == 0 || closed.BytesUp != closed.BytesDown || message.CodeOf(closed.Error) != message.Aborted {
			t.Errorf("the flow ended as %+v", closed)
		}
	}
}

func TestDatagramsAreRefusedWithTheErrnoOfTheFailure(t *testing.T) {
	l := startLab(t, lab.Options{})
	hello, _ := l.Node(lab.HelloName)
	v4, _ := echoOf(hello)
	nowhere := netip.MustParseAddrPort("100.99.98.97:7")
	outside := netip.MustParseAddrPort("192.0.2.1:7")
	for _, tt := range []struct {
		name        string
		policy      message.Policy
		destination netip.AddrPort
		errno       syscall.Errno
	}{
		{"no node has the address", message.Policy{}, nowhere, syscall.ENETUNREACH},
		{"only the tailnet is allowed", message.Policy{OnlyTailnet: true}, outside, syscall.EACCES},
		{"UDP is blocked", message.Policy{UDP: message.UDPBlock}, v4, syscall.EACCES},
		{"UDP is the host's", message.Policy{UDP: message.UDPDirect}, v4, syscall.EACCES},
		{"it was asked and denied", message.Policy{Ask: true}, v4, syscall.EACCES},
		{"it is the host itself", message.Policy{}, netip.MustParseAddrPort("127.0.0.1:7"), syscall.EACCES},
		{"it has no port", message.Policy{}, netip.AddrPortFrom(v4.Addr(), 0), syscall.ECONNREFUSED},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSender(t, l, tt.policy)
			asked := make(chan message.Ask, 1)
			s.answer(func(q message.Ask) (message.AskResult, error) {
				asked <- q
				return message.AskResult{}, nil
			})
			if flow, errno := s.open(listenUDP(t), tt.destination); errno != tt.errno {
				t.Errorf("got %v, %v", flow, errno)
			}
			if tt.policy.Ask {
				if q := <-asked; q.Network != message.NetworkUDP || q.Origin != message.OriginPreload || q.Destination != v4.String() || q.Peer != hello.Name {
					t.Errorf("asked %+v", q)
				}
			}
			if status := request[message.Status](s.driver, message.MethodStatus, message.Empty{}); status.Flows != 0 || status.Opened != 0 {
				t.Errorf("the status is %+v", status)
			}
		})
	}
}

func TestDatagramsThatAreAskedAboutMayGoDirectly(t *testing.T) {
	l := startLab(t, lab.Options{})
	s := newSender(t, l, message.Policy{Ask: true, UDP: message.UDPDirect})
	s.answer(func(message.Ask) (message.AskResult, error) { return message.AskResult{Allow: true}, nil })
	flow := s.mustOpen(listenUDP(t), netip.MustParseAddrPort("192.0.2.1:7"))
	if !flow.Addr().IsLoopback() {
		t.Errorf("the flow socket is %v", flow)
	}
	if opened := within(t, "flowOpened", s.opened); opened.Route != message.RouteDirect {
		t.Errorf("the flow is %+v", opened)
	}
}

func TestQueriesToTheHostsResolverAreAnswered(t *testing.T) {
	resolvers := resolve.NewResolvConf(resolve.DefaultResolvConf).Resolvers()
	if len(resolvers) == 0 {
		t.Skip("needs a resolver in", resolve.DefaultResolvConf)
	}
	l := startLab(t, lab.Options{})
	// Blocked or not: names are needed by TCP too.
	s := newSender(t, l, message.Policy{UDP: message.UDPBlock})
	queryHello(t, s, l, netip.AddrPortFrom(resolvers[0], 53))
	if status := request[message.Status](s.driver, message.MethodStatus, message.Empty{}); status.Opened != 0 {
		t.Errorf("the status is %+v", status)
	}
}

func TestTailscalesResolverIsReached(t *testing.T) {
	l := startLab(t, lab.Options{})
	queryHello(t, newSender(t, l, message.Policy{}), l, netip.AddrPortFrom(tsaddr.TailscaleServiceIP(), 53))
}

// queryHello asks a resolver for the address of hello.
func queryHello(t *testing.T, s *sender, l *lab.Lab, resolver netip.AddrPort) {
	t.Helper()
	hello, _ := l.Node(lab.HelloName)
	v4, _ := echoOf(hello)
	conn := listenUDP(t)
	flow := s.mustOpen(conn, resolver)
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 42, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(hello.Name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteToUDPAddrPort(packed, flow); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	var answer dnsmessage.Message
	if err := answer.Unpack(buf[:n]); err != nil {
		t.Fatal(err)
	}
	var found *dnsmessage.AResource
	if len(answer.Answers) == 1 {
		found, _ = answer.Answers[0].Body.(*dnsmessage.AResource)
	}
	if answer.ID != 42 || found == nil || found.A != v4.Addr().As4() {
		t.Errorf("the answer is %+v", answer)
	}
}
