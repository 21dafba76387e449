package noderole

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestFailsWithTheCodeOfTheFailure(t *testing.T) {
	l := startLab(t, lab.Options{})
	ctx := t.Context()
	if _, err := l.AddNode(ctx, "victim"); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveNode("victim"); err != nil {
		t.Fatal(err)
	}
	d, socks := joined(t, l)
	for _, tt := range []struct {
		name, host string
		port       uint16
		code       message.Code
		deadline   time.Duration
		atOnce     bool
	}{
		{"nobody listens", "hello", 4, message.Refused, patience, true},
		{"the node is dead", "victim", 7, message.TimedOut, 400 * time.Millisecond, false},
		{"the name is unknown", "nobody", 7, message.NoSuchHost, patience, true},
		{"the name is unknown in the tailnet", "nobody." + lab.Domain, 7, message.NoSuchHost, patience, true},
		{"the name is unknown outside", "nobody.example.com", 7, message.NoSuchHost, patience, true},
		{"no node has the IPv4 address", "100.99.98.97", 7, message.NoRoute, patience, true},
		{"no node has the IPv6 address", "fd7a:115c:a1e0::dead", 7, message.NoRoute, patience, true},
		{"it is the host itself", "127.0.0.1", 7, message.Denied, patience, true},
		{"it is the host itself by name", "localhost", 7, message.Denied, patience, true},
		{"it is a mapped loopback address", "::ffff:127.0.0.1", 7, message.Denied, patience, true},
		{"it is no address", "0.0.0.0", 7, message.Denied, patience, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.deadline = tt.deadline
			started := time.Now()
			_, _, err := dialSocks(socks, tt.host, tt.port)
			took := time.Since(started)
			var refusal socksError
			if !errors.As(err, &refusal) || byte(refusal) != replyOf(tt.code) {
				t.Errorf("the client got %v, want reply %d", err, replyOf(tt.code))
			}
			if got := within(t, "the answer", d.dialed); message.CodeOf(got.err) != tt.code {
				t.Errorf("the dial failed with %s: %v", message.CodeOf(got.err), got.err)
			}
			// The deadlines differ by a factor of fifty, so this does not depend on the machine.
			if limit := 5 * time.Second; took > limit {
				t.Errorf("it took %v", took)
			}
			if !tt.atOnce && took < tt.deadline {
				t.Errorf("it took only %v", took)
			}
		})
	}
}

func TestCancelsTheDialWhenTheClientLeaves(t *testing.T) {
	l := startLab(t, lab.Options{})
	if _, err := l.AddNode(t.Context(), "victim"); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveNode("victim"); err != nil {
		t.Fatal(err)
	}
	d, socks := joined(t, l)
	for _, tt := range []struct {
		name  string
		leave func(conn *net.TCPConn)
	}{
		{"in order", func(conn *net.TCPConn) { conn.Close() }},
		{"by a reset", func(conn *net.TCPConn) { conn.SetLinger(0); conn.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", socks)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(socksRequest("victim", 7)); err != nil {
				t.Fatal(err)
			}
			// The dial is under way when it is the one that negotiates.
			for request[message.Status](d, message.MethodStatus, message.Empty{}).Negotiating != 1 {
			}
			tt.leave(conn.(*net.TCPConn))
			if got := within(t, "the answer", d.dialed); message.CodeOf(got.err) != message.Aborted {
				t.Errorf("the dial failed with %v", got.err)
			}
			if got := within(t, "clientGone", d.gone); got.Reason != message.GoneClosed {
				t.Errorf("the client is gone: %s", got.Reason)
			}
		})
	}
}

func TestNodeMayCloseAClientWhileItIsDialled(t *testing.T) {
	l := startLab(t, lab.Options{})
	if _, err := l.AddNode(t.Context(), "victim"); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveNode("victim"); err != nil {
		t.Fatal(err)
	}
	d, socks := joined(t, l)
	d.run = "asked"
	asked := make(chan message.Ask, 1)
	d.answer(func(q message.Ask) (message.AskResult, error) {
		asked <- q
		return message.AskResult{Allow: true}, nil
	})
	d.call(message.MethodRegister, register("asked", message.Policy{Ask: true}))
	conn, err := net.Dial("tcp", socks)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(socksRequest("victim", 7)); err != nil {
		t.Fatal(err)
	}
	within(t, "the question", asked)
	d.notify(message.EventClientClose, message.ClientClose{Client: 1})
	if got := within(t, "the answer", d.dialed); message.CodeOf(got.err) != message.Aborted {
		t.Errorf("the dial failed with %v", got.err)
	}
	if status := request[message.Status](d, message.MethodStatus, message.Empty{}); status.Flows != 0 || len(d.gone) != 0 {
		t.Errorf("%d flows, %d clients gone", status.Flows, len(d.gone))
	}
}
