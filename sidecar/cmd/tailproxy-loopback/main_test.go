package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const patience = time.Minute

var token = strings.Repeat("t", 32)

// loopback is the command, running in this process.
type loopback struct {
	t      *testing.T
	path   string
	stdin  io.WriteCloser
	events chan event
	done   chan error
}

// begin runs the command with settings, to which path and token are added.
func begin(t *testing.T, settings map[string]any) *loopback {
	t.Helper()
	l := &loopback{t: t, path: filepath.Join(t.TempDir(), "dial.sock"), events: make(chan event, 1000), done: make(chan error, 1)}
	stdin, ours := io.Pipe()
	theirs, stdout := io.Pipe()
	l.stdin = ours
	settings["path"], settings["token"] = l.path, token
	go func() {
		err := run(stdin, stdout)
		stdin.CloseWithError(io.ErrClosedPipe)
		stdout.Close()
		l.done <- err
	}()
	go func() {
		defer close(l.events)
		for lines := bufio.NewScanner(theirs); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("%s: %v", lines.Text(), err)
			}
			l.events <- e
		}
	}()
	l.say(settings)
	t.Cleanup(func() { ours.Close() })
	return l
}

func (l *loopback) say(settings map[string]any) {
	l.t.Helper()
	line, err := json.Marshal(settings)
	if err != nil {
		l.t.Fatal(err)
	}
	// A line that makes it end is not read to its end.
	if _, err := l.stdin.Write(append(line, '\n')); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		l.t.Fatal(err)
	}
}

func (l *loopback) event(want event) {
	l.t.Helper()
	select {
	case got := <-l.events:
		if want.Event == "ready" {
			want.Tarpit4, want.Tarpit6 = got.Tarpit4, got.Tarpit6
		}
		if got != want {
			l.t.Errorf("the event is %+v; want %+v", got, want)
		}
	case <-time.After(patience):
		l.t.Fatalf("%s did not come", want.Event)
	}
}

// ended is the end of a program: its channel's and its bootstrap's, in either order.
func (l *loopback) ended() {
	l.t.Helper()
	var got []string
	for range 2 {
		select {
		case one := <-l.events:
			got = append(got, one.Event)
		case <-time.After(patience):
			l.t.Fatalf("the end did not come after %q", got)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"closed", "familyLeft"}) {
		l.t.Errorf("the events are %q", got)
	}
}

// begun returns a program that has said hello.
func (l *loopback) begun() *dialtest.Program {
	l.t.Helper()
	l.event(event{Event: "ready", Path: l.path})
	p := dialtest.Must(l.t, l.path, token)
	l.event(event{Event: "family"})
	l.event(event{Event: "hello", PID: os.Getpid()})
	return p
}

func echoServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func TestDialsGoWhereTheSettingsSay(t *testing.T) {
	l := begin(t, map[string]any{
		"hosts":    map[string]string{"100.64.0.5:80": echoServer(t)},
		"failures": map[string]string{"100.64.0.5:81": "refused", "100.64.0.6:*": "denied"},
	})
	p := l.begun()
	for _, tt := range []struct {
		destination string
		code        message.Code
	}{
		{"100.64.0.5:80", ""}, {"100.64.0.5:81", "refused"}, {"100.64.0.6:1", "denied"}, {"100.64.0.7:80", "no-route"},
	} {
		s := dialtest.NewSocket(t, 0)
		err := s.Connect(p, netip.MustParseAddrPort(tt.destination))
		l.event(event{Event: "dial", Destination: tt.destination, PID: os.Getpid()})
		if tt.code != "" {
			l.event(event{Event: "failed", Destination: tt.destination, Code: tt.code})
			continue
		}
		l.event(event{Event: "joined", Destination: tt.destination})
		if err != nil {
			t.Errorf("%s: %v", tt.destination, err)
			continue
		}
		s.Write("ping")
		if got, err := s.Read(); got != "ping" || err != nil {
			t.Errorf("echo gave %q, %v", got, err)
		}
	}
	p.Close()
	l.ended()
}

func TestADialThatIsGivenUpIsTold(t *testing.T) {
	l := begin(t, map[string]any{"hosts": map[string]string{"*:*": echoServer(t)}, "delayMs": patience.Milliseconds()})
	p := l.begun()
	s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
	_ = s.Connect(p, netip.MustParseAddrPort("100.64.0.5:80"))
	l.event(event{Event: "dial", Destination: "100.64.0.5:80", PID: os.Getpid()})
	s.Close()
	p.Cancel(s.Cookie)
	l.event(event{Event: "cancelled", Destination: "100.64.0.5:80"})
}

func echoDatagrams(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			conn.WriteToUDPAddrPort(buffer[:n], from)
		}
	}()
	return conn.LocalAddr().String()
}

func TestFlowsGoWhereTheSettingsSay(t *testing.T) {
	l := begin(t, map[string]any{
		"udpHosts": map[string]string{"100.64.0.5:7": echoDatagrams(t)},
		"failures": map[string]string{"100.64.0.5:8": "refused"},
	})
	p := l.begun()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		destination string
		errno       unix.Errno
	}{
		{"100.64.0.5:7", 0}, {"100.64.0.5:8", unix.ECONNREFUSED}, {"100.64.0.6:7", unix.ENETUNREACH},
	} {
		var answer []byte
		if err := raw.Control(func(fd uintptr) {
			answer = p.Ask(11, dialtest.Address(netip.MustParseAddrPort(tt.destination)), int(fd))
		}); err != nil {
			t.Fatal(err)
		}
		l.event(event{Event: "flow", Destination: tt.destination, PID: os.Getpid()})
		if len(answer) != 28 || unix.Errno(binary.LittleEndian.Uint32(answer[4:])) != tt.errno {
			t.Fatalf("%s: FLOWED is %x", tt.destination, answer)
		}
		if tt.errno != 0 {
			continue
		}
		flow := netip.AddrPortFrom(netip.AddrFrom4([4]byte(answer[12:16])), binary.LittleEndian.Uint16(answer[10:]))
		if _, err := conn.WriteToUDPAddrPort([]byte("ping"), flow); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(patience))
		buffer := make([]byte, 100)
		if n, from, err := conn.ReadFromUDPAddrPort(buffer); string(buffer[:n]) != "ping" || from != flow || err != nil {
			t.Errorf("%q came from %v, %v; want it from %v", buffer[:n], from, err, flow)
		}
	}
}

func TestNamesAreTheSettings(t *testing.T) {
	l := begin(t, map[string]any{
		"names":     map[string]any{"hello.ts.net": []string{"100.64.0.5"}, "empty.ts.net": []string{}, "broken.ts.net": "again"},
		"canonical": map[string]string{"alias.ts.net": "hello.ts.net"},
	})
	p := l.begun()
	status := func(name string, want byte) {
		t.Helper()
		if got := p.Resolve(name); len(got) < 6 || got[4] != want {
			t.Errorf("%s gives %x; want status %d", name, got, want)
		}
		l.event(event{Event: "resolve", Name: name})
	}
	for name, want := range map[string]byte{
		"hello.ts.net": 0, "Hello.TS.net.": 0, "alias.ts.net": 0, "nobody.ts.net": 1, "empty.ts.net": 2, "broken.ts.net": 3,
	} {
		status(name, want)
	}
	l.say(map[string]any{"names": map[string]any{"other.ts.net": []string{"fd7a:115c:a1e0::5"}}})
	// The line is read when the next one is.
	l.say(map[string]any{})
	status("hello.ts.net", 1)
	status("other.ts.net", 0)
}

func TestItEndsWithStdin(t *testing.T) {
	l := begin(t, map[string]any{"hosts": map[string]string{"*:*": echoServer(t)}})
	p := l.begun()
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, netip.MustParseAddrPort("100.64.0.5:80")); err != nil {
		t.Fatal(err)
	}
	s.Write("x")
	if _, err := s.Read(); err != nil {
		t.Fatal(err)
	}
	l.stdin.Close()
	if err := <-l.done; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := s.Read(); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the program reads %v", err)
	}
	if _, err := os.Stat(l.path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestUnknownSettingsAreAnError(t *testing.T) {
	l := begin(t, map[string]any{"host": map[string]string{}})
	if err := <-l.done; err == nil || !strings.Contains(fmt.Sprint(err), `"host"`) {
		t.Errorf("it ended with %v", err)
	}
}
