package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// roundTrip sends text, ends and returns what comes back.
func roundTrip(t testing.TB, conn *netstack.Conn, text string) string {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED)
}

// expectReset waits until a connection is reset.
func expectReset(t testing.TB, conn *netstack.Conn) {
	t.Helper()
	if text, err := io.ReadAll(conn); !isReset(err) {
		t.Errorf("read %q, %v; want a reset", text, err)
	}
}

// expectRefusal connects and waits for the reset, which may be seen within connect() already.
func (w *world) expectRefusal(to netip.Addr) {
	w.t.Helper()
	conn, err := w.tryDial(to)
	if err == nil {
		expectReset(w.t, conn)
	} else if !isReset(err) {
		w.t.Error(err)
	}
}

func TestAnExportIsReachedAtBothFamiliesWithHalfClose(t *testing.T) {
	w := newWorld(t)
	id := w.open(nil, program(t, "127.0.0.1", echo))
	for _, to := range []netip.Addr{ours4, ours6} {
		if got := roundTrip(t, w.dial(to), "hello"); got != "hello" {
			t.Errorf("%v: got %q", to, got)
		}
	}
	state := w.state("the end of both", func(s message.ExportState) bool { return s.Accepted == 2 && s.Connections == 0 })
	if state.Export != id || state.BytesUp != 10 || state.BytesDown != 10 || state.Error != nil || state.Refused != 0 {
		t.Errorf("got %+v", state)
	}
}

func TestATargetOfTheConnectionsFamilyComesFirst(t *testing.T) {
	w := newWorld(t)
	v4, v6 := program(t, "127.0.0.1", says("four")), program(t, "::1", says("six"))
	id := w.open(nil, v6, v4)
	for to, want := range map[netip.Addr]string{ours4: "four", ours6: "six"} {
		if got := roundTrip(t, w.dial(to), ""); got != want {
			t.Errorf("%v reaches %q", to, got)
		}
	}
	gone := refusing(t)
	if err := w.table.Retarget(id, []string{gone, v6}); err != nil {
		t.Fatal(err)
	}
	if got := roundTrip(t, w.dial(ours4), ""); got != "six" {
		t.Errorf("when the target of IPv4 refuses it reaches %q", got)
	}
}

// refusing returns an address where nobody listens.
func refusing(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestWhenNobodyListensThePeerSeesAResetAndTheStateSaysWhy(t *testing.T) {
	w := newWorld(t)
	id := w.open(nil, refusing(t))
	w.expectRefusal(ours4)
	state := w.state("the failure", func(s message.ExportState) bool { return s.Error != nil && s.Connections == 0 })
	if state.Error.Code != message.Refused || state.Accepted != 1 || state.Refused != 0 {
		t.Errorf("got %+v, %v", state, state.Error)
	}
	if err := w.table.Retarget(id, []string{program(t, "127.0.0.1", echo)}); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, w.dial(ours4), "x")
	w.state("that it is well again", func(s message.ExportState) bool { return s.Error == nil && s.Accepted == 2 })
}

func TestAResetOfEitherSideIsOneOfTheOther(t *testing.T) {
	w := newWorld(t)
	seen := make(chan error, 1)
	w.open(nil, program(t, "127.0.0.1", func(conn *net.TCPConn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if line == "reset\n" {
			conn.SetLinger(0)
			return
		}
		io.WriteString(conn, "your turn\n")
		_, err := conn.Read(make([]byte, 1))
		seen <- err
	}))
	conn := w.dial(ours4)
	io.WriteString(conn, "reset\n")
	expectReset(t, conn)

	conn = w.dial(ours4)
	io.WriteString(conn, "wait\n")
	if _, err := conn.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	conn.Abort()
	if err := <-seen; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the program sees %v", err)
	}
}

func TestOnlyThoseWhoAreAllowedAreLetIn(t *testing.T) {
	ann := &peers.Peer{Name: "laptop.ts.net", User: "ann@example.com"}
	web := &peers.Peer{Name: "web.ts.net", Tags: []string{"tag:web", "tag:prod"}}
	tests := []struct {
		name        string
		users, tags []string
		peer        *peers.Peer
		want        bool
	}{
		{"nothing-required", nil, nil, nil, true},
		{"user", []string{"bob@example.com", "ann@example.com"}, nil, ann, true},
		{"another-user", []string{"bob@example.com"}, nil, ann, false},
		{"tag", nil, []string{"tag:prod"}, web, true},
		{"another-tag", nil, []string{"tag:db"}, web, false},
		{"user-or-tag", []string{"ann@example.com"}, []string{"tag:web"}, web, true},
		{"user-without-the-tag", nil, []string{"tag:web"}, ann, false},
		{"nobody-known", []string{"ann@example.com"}, nil, nil, false},
		{"nobody-known-for-a-tag", nil, []string{"tag:web"}, nil, false},
		{"no-user", []string{""}, nil, web, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := allows(message.Allow{Users: tt.users, Tags: tt.tags}, tt.peer); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	w := newWorld(t)
	w.open(func(e *message.Export) { e.Allow.Users = []string{"bob@example.com"} }, program(t, "127.0.0.1", echo))
	w.expectRefusal(ours4)
	state := w.state("the refusal", func(s message.ExportState) bool { return s.Refused == 1 })
	if state.Accepted != 0 || state.Error == nil || state.Error.Code != message.Denied || !strings.Contains(state.Error.Message, "hello.ts.net") {
		t.Errorf("got %+v", state)
	}
}

func TestNodeIsAskedAboutWhoIsAllowed(t *testing.T) {
	w := newWorld(t)
	asked := make(chan message.Ask, 2)
	answers := make(chan error, 2)
	w.ask = func(_ context.Context, question message.Ask) error {
		asked <- question
		return <-answers
	}
	id := w.open(func(e *message.Export) { e.Ask, e.Run = true, "run-1" }, program(t, "127.0.0.1", echo))
	conn := w.dial(ours4)
	got := <-asked
	if got.Origin != message.OriginExport || got.Direction != message.DirectionInbound || got.Export != id || got.Run != "run-1" ||
		got.User != "ann@example.com" || got.Peer != "hello.ts.net" || got.Destination != "100.64.0.9:8000" ||
		!strings.HasPrefix(got.Source, "100.64.0.1:") {
		t.Errorf("asked %+v", got)
	}
	answers <- nil
	if got := roundTrip(t, conn, "x"); got != "x" {
		t.Errorf("got %q", got)
	}
	conn = w.dial(ours4)
	<-asked
	answers <- message.Errorf(message.Denied, "closed on Sundays")
	expectReset(t, conn)
	w.state("the reason", func(s message.ExportState) bool { return s.Error != nil && s.Error.Message == "closed on Sundays" })
}

func TestMoreConnectionsThanTheMaximumAreReset(t *testing.T) {
	w := newWorld(t)
	w.open(func(e *message.Export) { e.MaxConnections = 2 }, program(t, "127.0.0.1", echo))
	first, second := w.dial(ours4), w.dial(ours4)
	for _, conn := range []*netstack.Conn{first, second} {
		io.WriteString(conn, "x")
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	w.expectRefusal(ours4)
	w.state("the refusal", func(s message.ExportState) bool { return s.Refused == 1 && s.Connections == 2 })
	roundTrip(t, first, "")
	w.state("the place", func(s message.ExportState) bool { return s.Connections == 1 })
	roundTrip(t, w.dial(ours4), "x")
}

func TestAPortIsOneExportsUntilThatEnds(t *testing.T) {
	w := newWorld(t)
	id := w.open(func(e *message.Export) { e.Run = "run-1" }, program(t, "127.0.0.1", echo))
	params := message.Export{Network: message.NetworkTCP, Port: 8000, Targets: []string{"127.0.0.1:1"}, MaxConnections: 1}
	_, err := w.table.Open(t.Context(), params)
	if message.CodeOf(err) != message.Busy || !strings.Contains(err.Error(), "export 1 of run \"run-1\"") {
		t.Errorf("got %v", err)
	}
	w.table.Close(id, false)
	w.table.Close(id, false)
	for range 50 {
		result, err := w.table.Open(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		w.table.Close(result.Export, false)
	}
	w.holder = "the node's own"
	if _, err := w.table.Open(t.Context(), params); message.CodeOf(err) != message.Busy || !strings.Contains(err.Error(), w.holder) {
		t.Errorf("got %v", err)
	}
	if err := w.table.Retarget(id, []string{"127.0.0.1:1"}); message.CodeOf(err) != message.Aborted {
		t.Errorf("retargeting what has ended: %v", err)
	}
}

func TestTheEndOfAnExportResetsOrDrains(t *testing.T) {
	for name, drain := range map[string]bool{"reset": false, "drain": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.open(nil, program(t, "127.0.0.1", echo))
			conn := w.dial(ours4)
			io.WriteString(conn, "x")
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			w.table.Close(id, drain)
			if got := w.table.List(); len(got) != 0 {
				t.Errorf("it is listed: %+v", got)
			}
			if _, err := w.tryDial(ours4); err == nil {
				t.Error("another connection is taken")
			}
			if !drain {
				expectReset(t, conn)
			} else if got := roundTrip(t, conn, "still here"); got != "still here" {
				t.Errorf("got %q", got)
			}
			w.state("the last one's end", func(s message.ExportState) bool { return s.Accepted == 1 && s.Connections == 0 })
			// The port is free again at once.
			w.open(nil, program(t, "127.0.0.1", echo))
			roundTrip(t, w.dial(ours4), "x")
		})
	}
}

func TestAServiceHasPortsOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.open(nil, program(t, "127.0.0.1", says("node")))
	id := w.open(func(e *message.Export) { e.Service = "svc:web" }, program(t, "127.0.0.1", says("service")))
	for to, want := range map[netip.Addr]string{ours4: "node", shared4: "service"} {
		if got := roundTrip(t, w.dial(to), ""); got != want {
			t.Errorf("%v is %q", to, got)
		}
	}
	w.table.Close(id, false)
	// The node's own listener takes it, and drops it.
	w.expectRefusal(shared4)
	w.table.End()
	w.table.Wait()
	if left := w.hosts.Load(); left != 0 {
		t.Errorf("%d services are still hosted", left)
	}
}

func TestTheExportsOfARunEndWithIt(t *testing.T) {
	w := newWorld(t)
	target := program(t, "127.0.0.1", echo)
	w.open(func(e *message.Export) { e.Run = "run-1" }, target)
	other := w.open(func(e *message.Export) { e.Run, e.Port = "run-2", 8001 }, target)
	w.table.EndRun("run-1")
	got := w.table.List()
	if len(got) != 1 || got[0].Export != other || got[0].Run != "run-2" || got[0].Port != 8001 || got[0].Targets[0] != target {
		t.Errorf("left is %+v", got)
	}
}

func TestManyConnectionsAtOnceAreAllCarriedWhole(t *testing.T) {
	w := newWorld(t)
	w.open(nil, program(t, "127.0.0.1", echo))
	payload := strings.Repeat("0123456789abcdef", 4<<10)
	want := sha256.Sum256([]byte(payload))
	var wait sync.WaitGroup
	for range 200 {
		wait.Go(func() {
			for range 5 {
				conn, err := w.tryDial(ours4)
				if err != nil {
					t.Error(err)
					return
				}
				go func() { io.WriteString(conn, payload); conn.CloseWrite() }()
				got, err := io.ReadAll(conn)
				if err != nil || sha256.Sum256(got) != want {
					t.Errorf("%d bytes came back, %v", len(got), err)
				}
			}
		})
	}
	wait.Wait()
	w.state("the end of all", func(s message.ExportState) bool {
		return s.Accepted == 1_000 && s.Connections == 0 && s.BytesUp == 1_000*uint64(len(payload))
	})
}

func TestWhatIsToldComesTogether(t *testing.T) {
	w := newWorld(t)
	w.open(nil, program(t, "127.0.0.1", echo))
	for range 100 {
		roundTrip(t, w.dial(ours4), "x")
	}
	w.state("the end of all", func(s message.ExportState) bool { return s.Accepted == 100 && s.Connections == 0 })
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) > 50 {
		t.Errorf("100 connections were told in %d events", len(w.told))
	}
}
