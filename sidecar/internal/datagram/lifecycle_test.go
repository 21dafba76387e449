package datagram

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestAnIdleFarSideIsClosedAndOpenedAgain(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	p.connect(flow)
	p.send(flow, []byte("four"))
	p.expect("four", flow)
	x.pass(DefaultIdle - time.Second)
	x.sweep(time.Minute)
	if len(x.closed) != 0 {
		t.Error("it was closed early")
	}
	x.pass(2 * time.Second)
	x.sweep(time.Minute)
	if got := within(t, "the end of the far side", x.closed); got != (traffic{up: 4, down: 4}) {
		t.Errorf("it carried %+v", got)
	}
	// The program's socket is there and connected: its flow socket stays.
	if x.Len() != 1 {
		t.Fatal("the flow is gone")
	}
	p.send(flow, []byte("again"))
	p.expect("again", flow)
	if n := x.dials.Load(); n != 2 {
		t.Errorf("%d far sides were opened", n)
	}
}

func TestAFarSideIsOpenedAgainOnlyIfItMay(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	p.send(flow, []byte("x"))
	p.expect("x", flow)
	x.pass(DefaultIdle)
	x.sweep(time.Minute)
	within(t, "the end of the far side", x.closed)
	x.mu.Lock()
	target := x.targets[hello4]
	delete(x.targets, hello4)
	x.mu.Unlock()
	p.send(flow, []byte("lost"))
	eventually(t, "it was asked again", func() bool { return x.dials.Load() == 2 })
	p.send(flow, []byte("lost too"))
	x.reach(hello4, target)
	x.pass(2 * retryWait)
	// The second may still be on its way; what comes back first is the one that was let through.
	p.send(flow, []byte("found"))
	for {
		got, _, err := p.receive()
		if err != nil {
			t.Fatal(err)
		}
		if got == "found" {
			break
		}
	}
}

func TestAFarSideThatIsCutIsOpenedAgain(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	cuts := make(chan func(error), 2)
	x.bind = func(cut func(error)) func() {
		cuts <- cut
		return func() {}
	}
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	p.send(flow, []byte("one"))
	p.expect("one", flow)
	over := errors.New("over")
	(<-cuts)(over)
	if got := within(t, "the end of the far side", x.closed); got.up != 3 || !errors.Is(got.err, over) {
		t.Errorf("it carried %+v", got)
	}
	p.send(flow, []byte("two"))
	p.expect("two", flow)
	if n := x.dials.Load(); n != 2 {
		t.Errorf("%d far sides were opened", n)
	}
	(<-cuts)(over)
	within(t, "the end of the second", x.closed)
}

func TestAFlowEndsWithTheProgramsSocket(t *testing.T) {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		x := newFixture(t)
		x.reach(hello4, serve(t, v4, ""))
		p := newProgram(t, family)
		flow := x.mustOpen(p, hello4)
		p.send(flow, []byte("x"))
		p.expect("x", flow)
		x.sweep(0)
		if x.Len() != 1 {
			t.Fatal("the flow of a live socket is gone")
		}
		p.close()
		x.sweep(0)
		within(t, "the end of the far side", x.closed)
		if _, ok := x.board.at(flow); ok || x.Len() != 0 {
			t.Errorf("%d flows are left, on the board: %v", x.Len(), ok)
		}
	}
}

func TestASocketThatIsNeverUsedIsLetGo(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	unused, connected := newProgram(t, unix.AF_INET), newProgram(t, unix.AF_INET)
	x.mustOpen(unused, hello4)
	flow := x.mustOpen(connected, hello4)
	connected.connect(flow)
	x.pass(DefaultIdle)
	x.sweep(time.Minute)
	if _, ok := x.board.at(flow); !ok || x.Len() != 1 {
		t.Errorf("%d flows are left, the connected one: %v", x.Len(), ok)
	}
	connected.send(flow, []byte("late"))
	connected.expect("late", flow)
	connected.close()
	x.sweep(0)
	if x.Len() != 0 {
		t.Errorf("%d flows are left", x.Len())
	}
}

func TestFlowsOfAProcessThatEndedAreLookedAt(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	kept, unused := newProgram(t, unix.AF_INET), newProgram(t, unix.AF_INET)
	flow := x.mustOpen(kept, hello4)
	kept.send(flow, []byte("x"))
	kept.expect("x", flow)
	x.mustOpen(unused, hello4)
	unused.close()
	x.Ended(2)
	if x.Len() != 2 {
		t.Errorf("%d flows are left after another process", x.Len())
	}
	x.Ended(1)
	if _, ok := x.board.at(flow); !ok || x.Len() != 1 {
		t.Errorf("%d flows are left, that of a socket that lives on: %v", x.Len(), ok)
	}
	kept.close()
	x.Ended(1)
	if x.Len() != 0 {
		t.Errorf("%d flows are left", x.Len())
	}
}

func TestTheLongestIdleFlowMakesRoom(t *testing.T) {
	x := newFixture(t)
	x.Limit = 3
	x.reach(hello4, serve(t, v4, ""))
	var programs []*socketOfProgram
	var flows []netip.AddrPort
	for i := range 5 {
		p := newProgram(t, unix.AF_INET)
		flow := x.mustOpen(p, hello4)
		p.send(flow, []byte(fmt.Sprint(i)))
		p.expect(fmt.Sprint(i), flow)
		programs, flows = append(programs, p), append(flows, flow)
		x.pass(2 * time.Second)
		if i == 2 {
			// The first is used again, so the second is the oldest.
			p, flow := programs[0], flows[0]
			p.send(flow, []byte("again"))
			p.expect("again", flow)
			x.pass(2 * time.Second)
		}
	}
	for i, want := range []bool{true, false, false, true, true} {
		if _, ok := x.board.at(flows[i]); ok != want {
			t.Errorf("flow %d is on the board: %v", i, ok)
		}
	}
	if x.Len() != 3 {
		t.Errorf("%d flows", x.Len())
	}
	if got := within(t, "the end of a far side", x.closed); message.CodeOf(got.err) != message.Busy {
		t.Errorf("it ended with %v", got.err)
	}
}

func TestFlowsOfDeadSocketsMakeRoomFirst(t *testing.T) {
	x := newFixture(t)
	x.Limit = 2
	x.reach(hello4, serve(t, v4, ""))
	old, dead := newProgram(t, unix.AF_INET), newProgram(t, unix.AF_INET)
	var last netip.AddrPort
	for _, p := range []*socketOfProgram{old, dead} {
		last = x.mustOpen(p, hello4)
		p.send(last, []byte("x"))
		p.expect("x", last)
		x.pass(time.Second)
	}
	dead.close()
	x.mustOpen(newProgram(t, unix.AF_INET), hello4)
	if _, ok := x.board.at(last); ok || x.Len() != 2 {
		t.Errorf("%d flows, the dead one among them: %v", x.Len(), ok)
	}
}

func TestFlowsEndWithTheirRunAndTheTable(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	x.mustOpen(p, hello4)
	reason := message.Errorf(message.Aborted, "the run has ended")
	x.end(reason)
	if got := within(t, "the end of the far side", x.closed); !errors.Is(got.err, reason) {
		t.Errorf("it ended with %v", got.err)
	}
	eventually(t, "the flow is gone", func() bool { return x.Len() == 0 })
	// One that is asked for while its run ends goes too.
	x.open(p, hello4)
	eventually(t, "the late flow is gone", func() bool { return x.Len() == 0 })
	x.owner = t.Context()
	x.mustOpen(p, hello4)
	x.Close()
	if _, err := x.open(p, hello4); message.CodeOf(err) != message.Aborted {
		t.Errorf("after the end: %v", err)
	}
	if len(x.board.flows) != 0 {
		t.Errorf("%d are on the board", len(x.board.flows))
	}
}

func TestNoDescriptorIsLeft(t *testing.T) {
	target := serve(t, v4, "")
	before := 0
	for round := range 3 {
		x := newFixture(t)
		x.reach(hello4, target)
		for range 20 {
			p := newProgram(t, unix.AF_INET)
			flow := x.mustOpen(p, hello4)
			p.send(flow, []byte("x"))
			p.expect("x", flow)
			x.mustOpen(p, hello4)
			p.close()
		}
		x.Close()
		switch now := descriptors(t); {
		case round == 0:
			before = now // with what the runtime keeps
		case now > before:
			t.Errorf("%d descriptors, %d a round earlier", now, before)
		}
	}
}

func TestASecondAskerWaitsForTheFirst(t *testing.T) {
	x := newFixture(t)
	p := newProgram(t, unix.AF_INET)
	asked, decided := make(chan struct{}, 2), make(chan struct{})
	request := func() Request {
		duplicate, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return Request{Owner: x.owner, Cookie: p.cookie(), Program: duplicate, Destination: hello4, Dial: func(context.Context) (Opened, error) {
			asked <- struct{}{}
			<-decided
			return Opened{}, syscall.EACCES
		}}
	}
	results := make(chan error, 2)
	first, second := request(), request()
	go func() {
		_, err := x.Open(t.Context(), first)
		results <- err
	}()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Open(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Errorf("one that gave up got %v", err)
	}
	go func() {
		_, err := x.Open(t.Context(), second)
		results <- err
	}()
	close(decided)
	for range 2 {
		// The second may come when the first is over, and is decided anew then.
		if err := within(t, "an answer", results); !errors.Is(err, syscall.EACCES) {
			t.Errorf("got %v", err)
		}
	}
}
