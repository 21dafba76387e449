package noderole

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// releasing asks for a run's release and returns what says that it was answered.
func releasing(d *driver, run string) (answered chan error) {
	answered = make(chan error, 1)
	go func() {
		_, err := channel.Call[message.Empty](context.Background(), d.conn, message.MethodRelease, message.Release{Run: run})
		answered <- err
	}()
	return answered
}

// runStatus returns what is left of a run.
func runStatus(d *driver, run string) message.RunStatus {
	d.t.Helper()
	for _, one := range request[message.Status](d, message.MethodStatus, message.Empty{}).Runs {
		if one.Run == run {
			return one
		}
	}
	return message.RunStatus{}
}

// awaitRun waits until a run's status is as it should be.
func awaitRun(d *driver, what string, is func(message.RunStatus) bool) {
	d.t.Helper()
	until(d.t, what, func() bool { return is(runStatus(d, "a")) })
}

func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// waits holds that a release was not answered, after another request was.
func waits(d *driver, why string, answered chan error) {
	d.t.Helper()
	runStatus(d, "a")
	select {
	case err := <-answered:
		d.t.Fatalf("the release was answered (%v) in spite of %s", err, why)
	default:
	}
}

func TestReleaseAnswersWhenNothingOfTheRunIsLeft(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	p := d.program(message.Policy{})
	hello, _ := l.Node(lab.HelloName)
	s := dialtest.NewSocket(t, 0)
	if err := s.Connect(p, netip.AddrPortFrom(hello.Addresses[0], 7)); err != nil {
		t.Fatal(err)
	}
	s.Write("ping")
	if got, err := s.Read(); got != "ping" || err != nil {
		t.Fatalf("echo gave %q, %v", got, err)
	}
	child := p.Fork(token)
	awaitRun(d, "the child", func(r message.RunStatus) bool { return r.Processes == 2 })
	answered := releasing(d, "a")
	p.Close()
	awaitRun(d, "the parent's end", func(r message.RunStatus) bool { return r.Processes == 1 })
	waits(d, "a child", answered)
	child.Close()
	awaitRun(d, "the child's end", func(r message.RunStatus) bool { return r.Processes == 0 })
	if got := runStatus(d, "a"); got != (message.RunStatus{Run: "a", Flows: 1, BytesUp: 4, BytesDown: 4}) {
		t.Errorf("what is left is %+v", got)
	}
	waits(d, "a flow", answered)
	s.Close()
	if err := within(t, "the answer", answered); err != nil {
		t.Error(err)
	}
	if got := runStatus(d, "a"); got != (message.RunStatus{Run: "a", BytesUp: 4, BytesDown: 4}) {
		t.Errorf("after the release it is %+v", got)
	}
	if err := within(t, "the second answer", releasing(d, "a")); err != nil {
		t.Error(err)
	}
}

func TestReleaseWaitsForProcessesThatNeverDialled(t *testing.T) {
	d := newDriver(t)
	path := d.serveDials()
	d.call(message.MethodRegister, register("a", message.Policy{}))
	family := dialtest.Family(t, path, token)
	awaitRun(d, "the family", func(r message.RunStatus) bool { return r.Processes == 1 })
	answered := releasing(d, "a")
	waits(d, "a process with a bootstrap", answered)
	family.Close()
	if err := within(t, "the answer", answered); err != nil {
		t.Error(err)
	}
}

func TestReleaseKnowsWhoHasJustConnected(t *testing.T) {
	d := newDriver(t)
	path := d.serveDials()
	d.call(message.MethodRegister, register("a", message.Policy{}))
	for range 50 {
		family := dialtest.Family(t, path, token)
		answered := releasing(d, "a")
		waits(d, "a process that has just begun", answered)
		family.Close()
		if err := within(t, "the answer", answered); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReleaseWaitsForClientsThatNegotiate(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	d.run = "a"
	d.call(message.MethodRegister, register("a", message.Policy{Ask: true}))
	asked, allow := make(chan message.Ask, 1), make(chan struct{})
	d.answer(func(q message.Ask) (message.AskResult, error) {
		asked <- q
		<-allow
		return message.AskResult{Allow: true}, nil
	})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if conn, _, err := dialSocks(socks, "hello", 7); err == nil {
			conn.Close()
		}
	}()
	within(t, "the question", asked)
	if got := runStatus(d, "a"); got.Negotiating != 1 {
		t.Errorf("the run is %+v", got)
	}
	answered := releasing(d, "a")
	waits(d, "a client that negotiates", answered)
	close(allow)
	within(t, "the end of the client", closed)
	if err := within(t, "the answer", answered); err != nil {
		t.Error(err)
	}
}

func TestReleaseOfAnUnknownRunAndUnregisterEndTheWait(t *testing.T) {
	d := newDriver(t)
	if err := within(t, "the answer", releasing(d, "nobody")); err != nil {
		t.Error(err)
	}
	path := d.serveDials()
	d.call(message.MethodRegister, register("a", message.Policy{}))
	p := dialtest.Must(t, path, token)
	answered := releasing(d, "a")
	waits(d, "a process", answered)
	d.call(message.MethodUnregister, message.Unregister{Run: "a"})
	if err := within(t, "the answer", answered); err != nil {
		t.Error(err)
	}
	p.Close()
}
