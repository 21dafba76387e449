package noderole

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// token is what register gives every run.
var token = strings.Repeat("t", 32)

// serveDials opens the dial socket and returns its path.
func (d *driver) serveDials() string {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "dial.sock")
	result := request[message.ServeDialsResult](d, message.MethodServeDials, message.ServeDials{Path: path})
	if result.Tarpit == message.TarpitNone {
		d.t.Skipf("skipped: needs tarpits (%s)", result.Detail)
	}
	return path
}

// program returns a process of a run that is registered with policy.
func (d *driver) program(policy message.Policy) *dialtest.Program {
	d.t.Helper()
	path := d.serveDials()
	d.call(message.MethodRegister, register("a", policy))
	return dialtest.Must(d.t, path, token)
}

func TestProgramsDialByTheirOwnSockets(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{})
	hello, _ := l.Node(lab.HelloName)
	echo := netip.AddrPortFrom(hello.Addresses[0], 7)
	for _, name := range []string{"", "hello"} {
		if name != "" {
			p.Resolve(name)
		}
		s := dialtest.NewSocket(t, 0)
		if err := s.Connect(p, echo); err != nil {
			t.Fatal(err)
		}
		opened := within(t, "flowOpened", d.opened)
		want := message.FlowOpened{
			Flow: opened.Flow, Direction: message.DirectionOutbound, Run: "a", Network: message.NetworkTCP,
			Source:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.Port()).String(),
			Destination: echo.String(), Name: name, Peer: hello.Name, PID: message.Limit(os.Getpid()),
			Route: message.RouteTailnet, DialMs: opened.DialMs,
		}
		if opened != want {
			t.Errorf("the flow is %+v; want %+v", opened, want)
		}
		if got := p.Peer(s.Port(), s.Cookie); got != echo {
			t.Errorf("the board has the peer %v", got)
		}
		s.Write("ping")
		if got, err := s.Read(); got != "ping" || err != nil {
			t.Errorf("echo gave %q, %v", got, err)
		}
		s.Close()
		closed := within(t, "flowClosed", d.closed)
		if closed.Flow != opened.Flow || closed.BytesUp != 4 || closed.BytesDown != 4 || closed.Error != nil {
			t.Errorf("the flow ended as %+v", closed)
		}
	}
}

func TestADialThatFailsHasItsErrno(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	p := d.program(message.Policy{OnlyTailnet: true})
	hello, _ := l.Node(lab.HelloName)
	fails := func(name string, destination netip.AddrPort, want unix.Errno) {
		t.Helper()
		s := dialtest.NewSocket(t, 0)
		if err := s.Connect(p, destination); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("%s: connect gave %v", name, err)
		}
		if got := p.Failure(s.Cookie); got != want {
			t.Errorf("%s: the board has %v; want %v", name, got, want)
		}
	}
	fails("before the node was started", netip.AddrPortFrom(hello.Addresses[0], 7), unix.ENETUNREACH)
	d.start(l)
	fails("nobody listens", netip.AddrPortFrom(hello.Addresses[0], 4), unix.ECONNREFUSED)
	fails("no such node", netip.MustParseAddrPort("100.99.98.97:7"), unix.ENETUNREACH)
	fails("outside the tailnet", netip.MustParseAddrPort("198.51.100.1:7"), unix.EACCES)
}

func TestADialIsAskedAbout(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{Ask: true})
	questions := make(chan message.Ask, 1)
	d.answer(func(q message.Ask) (message.AskResult, error) {
		questions <- q
		return message.AskResult{}, nil
	})
	hello, _ := l.Node(lab.HelloName)
	p.Resolve("hello")
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, netip.AddrPortFrom(hello.Addresses[0], 7)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("connect gave %v", err)
	}
	if got := p.Failure(s.Cookie); got != unix.EACCES {
		t.Errorf("the board has %v", got)
	}
	q := within(t, "the question", questions)
	if q.Origin != message.OriginPreload || q.Name != "hello" || q.Peer != hello.Name || q.Run != "a" || q.PID != message.Limit(os.Getpid()) {
		t.Errorf("the question is %+v", q)
	}
}

func TestARunsEndFailsItsDialsAndClosesItsChannels(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{Ask: true})
	asked := make(chan struct{})
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	d.answer(func(message.Ask) (message.AskResult, error) {
		close(asked)
		<-release
		return message.AskResult{}, nil
	})
	hello, _ := l.Node(lab.HelloName)
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(p, netip.AddrPortFrom(hello.Addresses[0], 7))
	within(t, "the question", asked)
	d.call(message.MethodUnregister, message.Unregister{Run: "a"})
	s.Poll(unix.POLLOUT)
	if errno := s.Error(); errno != unix.ECONNRESET {
		t.Errorf("SO_ERROR is %v", errno)
	}
	if got := p.Failure(s.Cookie); got != message.Aborted.Errno() {
		t.Errorf("the board has %v", got)
	}
	if err := p.Closed(); err != nil {
		t.Error(err)
	}
}

func TestTheEndOfTheSidecarResetsWhatWasJoined(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{})
	hello, _ := l.Node(lab.HelloName)
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, netip.AddrPortFrom(hello.Addresses[0], 7)); err != nil {
		t.Fatal(err)
	}
	d.close()
	if _, err := s.Read(); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the program reads %v", err)
	}
}

func TestNamesComeByTheDialSocket(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	p := d.program(message.Policy{})
	hello, _ := l.Node(lab.HelloName)
	if got := p.Resolve("hello"); len(got) < 6 || got[4] != 3 {
		t.Errorf("before the node was started it gave %x", got)
	}
	d.start(l)
	want := append([]byte{0, 2, byte(len(hello.Name))}, hello.Name...)
	for _, addr := range hello.Addresses {
		want = append(want, dialtest.Address(netip.AddrPortFrom(addr, 0))...)
	}
	if got, want := p.Resolve("hello"), dialtest.Message(6, want); !bytes.Equal(got, want) {
		t.Errorf("hello is %x; want %x", got, want)
	}
	if got := p.Resolve("nobody." + lab.Domain); len(got) < 6 || got[4] != 1 {
		t.Errorf("a name that nobody has gave %x", got)
	}
	names := append([]byte{0, 1, byte(len(hello.Name))}, hello.Name...)
	got := p.Ask(7, dialtest.Address(netip.AddrPortFrom(hello.Addresses[0], 0)))
	if want := dialtest.Message(8, names); !bytes.Equal(got, want) {
		t.Errorf("the address gives %x; want %x", got, want)
	}
	answer := p.Ask(9, dnsQuery(t, hello.Name))
	if !bytes.Contains(answer, hello.Addresses[0].AsSlice()) {
		t.Errorf("a query gave %x", answer)
	}
}

func TestAResolverIsAnsweredForOverTCP(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{})
	resolver, ok := p.Resolver()
	if !ok {
		t.Skip("skipped: needs a resolver in /etc/resolv.conf")
	}
	hello, _ := l.Node(lab.HelloName)
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, netip.AddrPortFrom(resolver, 53)); err != nil {
		t.Fatal(err)
	}
	query := dnsQuery(t, hello.Name)
	s.Write(string(binary.BigEndian.AppendUint16(nil, uint16(len(query)))) + string(query))
	answer, err := s.Read()
	if err != nil || !strings.Contains(answer, string(hello.Addresses[0].AsSlice())) {
		t.Errorf("it answers %x, %v", answer, err)
	}
}

func dnsQuery(t *testing.T, name string) []byte {
	t.Helper()
	query := dnsmessage.Message{
		Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{
			Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET,
		}},
	}
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestTheDialSocketIsServedOnce(t *testing.T) {
	d := newDriver(t)
	path := d.serveDials()
	_, err := tryCall[message.ServeDialsResult](d, message.MethodServeDials, message.ServeDials{Path: path})
	if message.CodeOf(err) != message.Busy {
		t.Errorf("the second time gave %v", err)
	}
	if _, err := dialtest.Connect(t, path, token); err == nil {
		t.Error("a token of no run was taken")
	}
	d.close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func BenchmarkConnectOverTheTailnet(b *testing.B) {
	l := startLab(b, lab.Options{})
	d := newDriver(b)
	d.start(l)
	p := d.program(message.Policy{})
	hello, _ := l.Node(lab.HelloName)
	echo := netip.AddrPortFrom(hello.Addresses[0], 7)
	go func() {
		for range d.opened {
			<-d.closed
		}
	}()
	for b.Loop() {
		s := dialtest.Plain(b)
		if err := s.Connect(p, echo); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
