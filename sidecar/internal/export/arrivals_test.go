package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/datagram"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// service is a program that answers datagrams.
type service struct {
	address string
	// heard has what came first, in order.
	heard chan string
	conn  *net.UDPConn
}

// answering binds a socket of UDP and has each datagram answered; nil is no answer.
func answering(t testing.TB, address string, answer func(datagram []byte) []byte) *service {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Skipf("skipped: needs %s (%v)", address, err)
	}
	s := &service{address: conn.LocalAddr().String(), heard: make(chan string, 1_000), conn: conn}
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			select {
			case s.heard <- string(buffer[:n]):
			default:
			}
			if answered := answer(buffer[:n]); answered != nil {
				conn.WriteToUDPAddrPort(answered, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); serving.Wait() })
	return s
}

func itself(datagram []byte) []byte { return datagram }

func (w *world) openUDP(change func(*message.Export), targets ...string) message.ID {
	w.t.Helper()
	return w.open(func(params *message.Export) {
		params.Network = message.NetworkUDP
		if change != nil {
			change(params)
		}
	}, targets...)
}

// visitor is a peer's socket that is connected to the export.
type visitor struct {
	w    *world
	conn *netstack.PacketConn
}

func (w *world) visit(to netip.Addr) *visitor {
	w.t.Helper()
	conn, err := w.remote.DialUDP(netip.AddrPortFrom(to, 8000))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(conn.Close)
	return &visitor{w, conn}
}

func (v *visitor) say(text string) {
	v.w.t.Helper()
	if err := v.conn.Write([]byte(text)); err != nil {
		v.w.t.Fatal(err)
	}
}

// hear waits for a datagram, or an error of the socket.
func (v *visitor) hear() (string, error) {
	limit := time.AfterFunc(patience, v.conn.Close)
	defer limit.Stop()
	buffer := make([]byte, 1<<16)
	for {
		n, ok, err := v.conn.TryRead(buffer)
		if err != nil || ok {
			return string(buffer[:n]), err
		}
		v.conn.AwaitReadable()
	}
}

func (v *visitor) expect(want string) {
	v.w.t.Helper()
	if got, err := v.hear(); err != nil || got != want {
		v.w.t.Fatalf("heard %.40q, %v; want %.40q", got, err, want)
	}
}

func TestAnExportOfUDPAnswersFromTheAddressThatThePeerWroteTo(t *testing.T) {
	w := newWorld(t)
	id := w.openUDP(nil, answering(t, "127.0.0.1:0", itself).address)
	long := strings.Repeat("x", 20_000)
	for _, to := range []netip.Addr{ours4, ours6} {
		// The peer's socket is connected, so that an answer from elsewhere would not be its.
		v := w.visit(to)
		for _, text := range []string{"one", "", long, "two"} {
			v.say(text)
			v.expect(text)
		}
	}
	state := w.state("both", func(s message.ExportState) bool { return s.Accepted == 2 && s.BytesUp == 2*20_006 })
	if state.Export != id || state.BytesDown != 2*20_006 || state.Connections != 2 || state.Error != nil || state.Refused+state.Dropped != 0 {
		t.Errorf("got %+v", state)
	}
}

func TestAPortOfUDPIsAnotherThanThatOfTCP(t *testing.T) {
	w := newWorld(t)
	w.open(nil, program(t, "127.0.0.1", echo))
	datagrams := w.openUDP(nil, answering(t, "127.0.0.1:0", itself).address)
	v := w.visit(ours4)
	v.say("of UDP")
	v.expect("of UDP")
	if got := roundTrip(t, w.dial(ours4), "of TCP"); got != "of TCP" {
		t.Errorf("got %q", got)
	}
	params := message.Export{Network: message.NetworkUDP, Port: 8000, Targets: []string{"127.0.0.1:9"}, MaxConnections: 1}
	_, err := w.table.Open(t.Context(), params)
	if code := message.FromError(err); code == nil || code.Code != message.Busy || !strings.Contains(code.Message, "8000/udp") {
		t.Errorf("another one: %v", err)
	}
	w.table.Close(datagrams, false)
	if _, err := w.table.Open(t.Context(), params); err != nil {
		t.Errorf("after its end: %v", err)
	}
	for _, listed := range w.table.List() {
		if (listed.Network == message.NetworkUDP) == (listed.Export == 1) {
			t.Errorf("listed %+v", listed)
		}
	}
}

func TestWhatUDPDoesNotHaveIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*message.Export){
		"Service": func(params *message.Export) { params.Service = "svc:dns" },
		"PROXY":   func(params *message.Export) { params.ProxyProtocol = true },
	} {
		params := message.Export{Network: message.NetworkUDP, Port: 53, Targets: []string{"127.0.0.1:53"}, MaxConnections: 1}
		change(&params)
		_, err := w.table.Open(t.Context(), params)
		if code := message.FromError(err); code == nil || code.Code != message.Denied || !strings.Contains(code.Message, name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAPeerThatIsNotAllowedIsRefusedOnceForEachFlow(t *testing.T) {
	w := newWorld(t)
	program := answering(t, "127.0.0.1:0", itself)
	w.openUDP(func(params *message.Export) { params.Allow.Users = []string{"bob@example.com"} }, program.address)
	denied := w.visit(ours4)
	for range 50 {
		denied.say("let me in")
	}
	w.state("the refusal", func(s message.ExportState) bool { return s.Refused == 1 && s.Error.Code == message.Denied })
	denied.say("please")
	another := w.visit(ours4)
	another.say("let me in")
	w.state("the other's", func(s message.ExportState) bool { return s.Refused == 2 })
	// Later it is judged anew.
	w.ahead.Store(int64(refusedFor))
	w.mu.Lock()
	w.known.User = "bob@example.com"
	w.mu.Unlock()
	denied.say("now")
	denied.expect("now")
	if first := <-program.heard; first != "now" {
		t.Errorf("the program heard %q", first)
	}
	for _, state := range w.told {
		if state.Refused > 2 {
			t.Errorf("told %+v", state)
		}
	}
}

// export is the only one.
func (w *world) export() *export {
	all := w.table.all()
	if len(all) != 1 {
		w.t.Fatalf("there are %d exports", len(all))
	}
	return all[0]
}

func TestWhileNodeDecidesFewDatagramsAreHeldAndNobodyElseWaits(t *testing.T) {
	w := newWorld(t)
	program := answering(t, "127.0.0.1:0", itself)
	asked, decide := make(chan message.Ask, 2), make(chan error)
	var quick atomic.Bool
	w.ask = func(ctx context.Context, question message.Ask) error {
		if quick.Load() {
			return nil
		}
		asked <- question
		select {
		case err := <-decide:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	w.openUDP(func(params *message.Export) { params.Ask = true }, program.address)
	waiting := w.visit(ours4)
	for i := range maxHeld + 5 {
		waiting.say(fmt.Sprint(i))
	}
	question := <-asked
	if question.Network != message.NetworkUDP || question.Destination != "100.64.0.9:8000" || question.User != "ann@example.com" {
		t.Errorf("asked %+v", question)
	}
	w.state("what was too much", func(s message.ExportState) bool { return s.Dropped == 5 })
	quick.Store(true)
	other := w.visit(ours6)
	other.say("not held up")
	other.expect("not held up")
	decide <- nil
	for i := range maxHeld {
		waiting.expect(fmt.Sprint(i))
	}
}

func TestAProgramThatIsGoneAndComesBackIsServedOn(t *testing.T) {
	w := newWorld(t)
	first := answering(t, "127.0.0.1:0", itself)
	w.openUDP(nil, first.address)
	v := w.visit(ours4)
	v.say("one")
	v.expect("one")
	first.conn.Close()
	v.say("lost")
	w.state("that nobody has it", func(s message.ExportState) bool { return s.Error != nil && s.Error.Code == message.Refused })
	answering(t, first.address, itself)
	v.say("two")
	v.expect("two")
	w.state("that somebody has it", func(s message.ExportState) bool {
		return s.Error == nil && s.Accepted == 1 && s.BytesUp == 6 && s.BytesDown == 10
	})
}

func TestOfTwoTargetsTheOneThatSomebodyHasIsReached(t *testing.T) {
	w := newWorld(t)
	four := answering(t, "127.0.0.1:0", itself)
	_, port, _ := net.SplitHostPort(four.address)
	w.openUDP(nil, four.address, "[::1]:"+port)
	v := w.visit(ours6)
	v.say("six")
	v.expect("six")
	// It goes, and another one comes at the other address.
	four.conn.Close()
	answering(t, "[::1]:"+port, itself)
	for {
		v.say("again")
		if got, _, err := v.conn.TryRead(make([]byte, 100)); err != nil {
			t.Fatal(err)
		} else if got == len("again") {
			return
		}
	}
}

func TestOneFlowMoreThanTheMaximumEndsTheLongestIdle(t *testing.T) {
	w := newWorld(t)
	w.openUDP(func(params *message.Export) { params.MaxConnections = 2 }, answering(t, "127.0.0.1:0", itself).address)
	visitors := []*visitor{w.visit(ours4), w.visit(ours4), w.visit(ours4)}
	for i, v := range visitors {
		v.say("x")
		v.expect("x")
		if i == 1 {
			// The first is used later than the second now.
			w.ahead.Store(int64(time.Second))
			visitors[0].say("y")
			visitors[0].expect("y")
		}
	}
	w.state("two that are open", func(s message.ExportState) bool { return s.Accepted == 3 && s.Connections == 2 })
	a := w.export().arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, v := range visitors {
		key := flowKey{v.conn.Local(), v.conn.Remote()}
		if _, ok := a.flows[key]; ok != (i != 1) {
			t.Errorf("flow %d is there: %v", i, ok)
		}
	}
}

func TestAFlowThatIsIdleEndsAndTheNextDatagramBeginsAnother(t *testing.T) {
	w := newWorld(t)
	w.openUDP(nil, answering(t, "127.0.0.1:0", itself).address)
	v := w.visit(ours4)
	v.say("one")
	v.expect("one")
	w.ahead.Store(int64(datagram.DefaultIdle))
	if left := w.export().arrivals.endIdle(datagram.DefaultIdle); left != 0 {
		t.Errorf("%d are left", left)
	}
	w.state("its end", func(s message.ExportState) bool { return s.Accepted == 1 && s.Connections == 0 && s.Error == nil })
	v.say("two")
	v.expect("two")
	w.state("another", func(s message.ExportState) bool { return s.Accepted == 2 && s.BytesUp == 6 })
}

func TestTheEndOfAnExportOfUDPCutsOrDrains(t *testing.T) {
	w := newWorld(t)
	program := answering(t, "127.0.0.1:0", itself)
	drained := w.openUDP(nil, program.address)
	v := w.visit(ours4)
	v.say("one")
	v.expect("one")
	w.table.Close(drained, true)
	v.say("goes on")
	v.expect("goes on")
	late := w.visit(ours4)
	late.say("too late")
	if _, err := late.hear(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a peer that comes too late sees %v", err)
	}
	// Exported anew, the flow is the next export's.
	next := w.openUDP(nil, program.address)
	w.state("the end of the former", func(s message.ExportState) bool {
		return s.Export == drained && s.Connections == 0 && s.BytesDown == 10
	})
	v.say("three")
	v.expect("three")
	w.state("the next", func(s message.ExportState) bool { return s.Export == next && s.Accepted == 1 })
	w.table.Close(next, false)
	w.state("its end", func(s message.ExportState) bool { return s.Export == next && s.Connections == 0 && s.Accepted == 1 })
	v.say("four")
	if _, err := v.hear(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end the peer sees %v", err)
	}
}

func TestADrainedExportEndsWhenNothingIsCarriedOrWhenItIsCut(t *testing.T) {
	w := newWorld(t)
	for _, isCut := range []bool{false, true} {
		id := w.openUDP(nil, answering(t, "127.0.0.1:0", itself).address)
		v := w.visit(ours4)
		v.say("x")
		v.expect("x")
		w.table.Close(id, true)
		if isCut {
			w.table.Close(id, false)
		}
		w.state("its end", func(s message.ExportState) bool { return s.Export == id && s.Accepted == 1 && s.Connections == 0 })
	}
}

func TestADrainedExportOfUDPEndsThoughAPeerAsksForEver(t *testing.T) {
	w := newWorld(t)
	id := w.openUDP(nil, answering(t, "127.0.0.1:0", itself).address)
	v := w.visit(ours4)
	v.say("x")
	v.expect("x")
	w.table.Close(id, true)
	v.say("goes on")
	v.expect("goes on")
	asking := make(chan struct{})
	var peer sync.WaitGroup
	peer.Go(func() {
		for {
			select {
			case <-asking:
				return
			default:
				v.conn.Write([]byte("again"))
			}
		}
	})
	defer peer.Wait()
	defer close(asking)
	// A flow that was carried for just now is as new then.
	w.ahead.Store(int64(drainLimit))
	w.state("its end", func(s message.ExportState) bool { return s.Export == id && s.Accepted == 1 && s.Connections == 0 })
}

func TestADrainedExportOfTCPCanBeCut(t *testing.T) {
	w := newWorld(t)
	id := w.open(nil, program(t, "127.0.0.1", echo))
	conn := w.dial(ours4)
	conn.Write([]byte("x"))
	conn.Read(make([]byte, 1))
	w.table.Close(id, true)
	w.table.Close(id, false)
	expectReset(t, conn)
}

func TestADatagramThatIsTooLongForTheOtherSideIsDroppedAndCounted(t *testing.T) {
	w := newWorld(t)
	tooLong := bytes.Repeat([]byte("x"), 65_520) // IPv4 carries 65,507
	w.openUDP(nil, answering(t, "[::1]:0", func(datagram []byte) []byte {
		if string(datagram) == "much" {
			return tooLong
		}
		return datagram
	}).address)
	v := w.visit(ours4)
	v.say("much")
	v.say("little")
	v.expect("little")
	w.state("the loss", func(s message.ExportState) bool { return s.Dropped == 1 && s.Error == nil })
}

func TestManyPeersAtOnceAreAllAnswered(t *testing.T) {
	w := newWorld(t)
	w.openUDP(nil, answering(t, "127.0.0.1:0", itself).address)
	var all sync.WaitGroup
	failures := make(chan error, 200)
	for i := range 200 {
		v := w.visit([]netip.Addr{ours4, ours6}[i%2])
		all.Go(func() {
			for j := range 20 {
				text := fmt.Sprint(i, " ", j)
				if err := v.conn.Write([]byte(text)); err != nil {
					failures <- err
					return
				}
				if got, err := v.hear(); err != nil || got != text {
					failures <- fmt.Errorf("heard %q, %w; want %q", got, err, text)
					return
				}
			}
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	w.state("all of them", func(s message.ExportState) bool { return s.Accepted == 200 })
	w.table.Close(1, false)
	if w.state("the end", func(s message.ExportState) bool { return s.Accepted == 200 && s.Connections == 0 }).Dropped != 0 {
		t.Error("some were dropped")
	}
}

func TestWhatIsForTheAddressOfAServiceIsRefused(t *testing.T) {
	w := newWorld(t)
	if err := w.node.SetAddresses([]netip.Addr{ours4, ours6}, shared4); err != nil {
		t.Fatal(err)
	}
	program := answering(t, "127.0.0.1:0", itself)
	w.openUDP(nil, program.address)
	v := w.visit(shared4)
	v.say("x")
	if _, err := v.hear(); !errors.Is(err, syscall.ECONNREFUSED) || len(program.heard) > 0 {
		t.Errorf("got %v", err)
	}
}
