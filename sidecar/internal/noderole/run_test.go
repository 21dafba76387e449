package noderole

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func register(run string, policy message.Policy) message.Register {
	if policy.Bypass == nil {
		policy.Bypass = []string{}
	}
	if policy.UDP == "" {
		policy.UDP = message.UDPProxy
	}
	return message.Register{Run: run, Token: strings.Repeat("t", 32), Policy: policy}
}

func TestRegistersARunOnce(t *testing.T) {
	d := newDriver(t)
	d.call(message.MethodRegister, register("a", message.Policy{}))
	_, err := tryCall[message.Empty](d, message.MethodRegister, register("a", message.Policy{}))
	if message.CodeOf(err) != message.Busy {
		t.Errorf("the second time gave %v", err)
	}
	d.call(message.MethodUnregister, message.Unregister{Run: "a"})
	d.call(message.MethodUnregister, message.Unregister{Run: "a"})
	d.call(message.MethodRegister, register("a", message.Policy{}))
	_, err = tryCall[message.Empty](d, message.MethodRegister, register("b", message.Policy{Bypass: []string{"10/8"}}))
	if message.CodeOf(err) != message.Protocol {
		t.Errorf("a bad CIDR gave %v", err)
	}
}

func TestAsksWhenThePolicySaysSo(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	hello, _ := l.Node(lab.HelloName)
	d.run = "asked"
	d.call(message.MethodRegister, register("asked", message.Policy{Ask: true}))
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for _, tt := range []struct {
		name   string
		answer func() (message.AskResult, error)
		code   message.Code
	}{
		{"yes", func() (message.AskResult, error) { return message.AskResult{Allow: true}, nil }, ""},
		{"no", func() (message.AskResult, error) { return message.AskResult{Reason: "not today"}, nil }, message.Denied},
		{"an error", func() (message.AskResult, error) { return message.AskResult{}, errors.New("broken") }, message.Denied},
		{"nothing", func() (message.AskResult, error) { <-release; return message.AskResult{Allow: true}, nil }, message.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			questions := make(chan message.Ask, 10)
			d.answer(func(q message.Ask) (message.AskResult, error) {
				questions <- q
				return tt.answer()
			})
			conn, _, err := dialSocks(socks, "hello", 7)
			if err == nil {
				defer conn.Close()
			}
			q := within(t, "the question", questions)
			if q.Peer != hello.Name || q.Name != "hello" || q.Run != "asked" || q.Destination != hello.Addresses[0].String()+":7" {
				t.Errorf("the question is %+v", q)
			}
			answer := within(t, "the answer", d.dialed)
			if tt.code == "" && err != nil || tt.code != "" && message.CodeOf(answer.err) != tt.code {
				t.Errorf("the dial gave %v", answer.err)
			}
			if tt.name == "no" && answer.err.Error() != "not today" {
				t.Errorf("the reason is %q", answer.err)
			}
		})
	}
}

func TestOnlyTailnetRefusesTheRest(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	d.run = "strict"
	d.call(message.MethodRegister, register("strict", message.Policy{OnlyTailnet: true}))
	_, _, err := dialSocks(socks, "192.0.2.1", 80)
	var refusal socksError
	if !errors.As(err, &refusal) || byte(refusal) != replyOf(message.Denied) {
		t.Errorf("the client got %v", err)
	}
	mustDial(t, socks, "hello", 7)
}

func TestARunThatIsNotRegisteredIsDenied(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	d.run = "nobody"
	_, _, err := dialSocks(socks, "hello", 7)
	var refusal socksError
	if !errors.As(err, &refusal) || byte(refusal) != replyOf(message.Denied) {
		t.Errorf("the client got %v", err)
	}
}

func TestUnregisterResetsFlowsAndDials(t *testing.T) {
	l := startLab(t, lab.Options{})
	if _, err := l.AddNode(t.Context(), "victim"); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveNode("victim"); err != nil {
		t.Fatal(err)
	}
	d, socks := joined(t, l)
	other := mustDial(t, socks, "hello", 7)
	within(t, "the answer", d.dialed)
	d.run = "ends"
	d.call(message.MethodRegister, register("ends", message.Policy{}))
	conn := mustDial(t, socks, "hello", 7)
	within(t, "the answer", d.dialed)
	d.run = "hangs"
	asked := make(chan message.Ask, 1)
	d.answer(func(q message.Ask) (message.AskResult, error) {
		asked <- q
		return message.AskResult{Allow: true}, nil
	})
	d.call(message.MethodRegister, register("hangs", message.Policy{Ask: true}))
	hanging := make(chan error, 1)
	go func() {
		_, _, err := dialSocks(socks, "victim", 7)
		hanging <- err
	}()
	within(t, "the question", asked)
	started := time.Now()
	d.call(message.MethodUnregister, message.Unregister{Run: "ends"})
	d.call(message.MethodUnregister, message.Unregister{Run: "hangs"})
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the program read %v", err)
	}
	if got := within(t, "the answer", d.dialed); message.CodeOf(got.err) != message.Aborted {
		t.Errorf("the dial ended with %v", got.err)
	}
	within(t, "the hanging dial", hanging)
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	other.Write([]byte("x"))
	if _, err := io.ReadFull(other, make([]byte, 1)); err != nil {
		t.Errorf("another run's connection: %v", err)
	}
}
