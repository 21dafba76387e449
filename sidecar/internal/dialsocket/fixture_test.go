package dialsocket

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

// patience is how long a test waits for what must come, far more than it takes.
const patience = time.Minute

var (
	token       = strings.Repeat("t", 32)
	destination = netip.MustParseAddrPort("100.64.0.5:80")
)

// dialled is a dial that a test decides.
type dialled struct {
	ctx    context.Context
	dial   *Dial
	result chan error // nil joins
}

// fakeRun is the only run.
type fakeRun struct {
	ctx      context.Context
	end      context.CancelCauseFunc
	dials    chan dialled
	joined   chan *splice.Socket
	failed   chan error
	families atomic.Int32
	closed   chan int

	mu sync.Mutex
	// control is the path of the run's control socket.
	control string
	// decide replaces the decisions of the test.
	decide func(d *Dial) error
	// answer, when there is one, is waited for by Resolve.
	answer chan struct{}
}

// decideBy has every dial from now on decided by a function.
func (r *fakeRun) decideBy(decide func(d *Dial) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.decide = decide
}

// answerAfter has RESOLVE wait.
func (r *fakeRun) answerAfter(answer chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *fakeRun) told() (decide func(d *Dial) error, answer chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decide, r.answer
}

func newRun(t testing.TB) *fakeRun {
	r := &fakeRun{
		dials: make(chan dialled, 30_000), joined: make(chan *splice.Socket, 30_000),
		failed: make(chan error, 30_000), closed: make(chan int, 100),
	}
	r.ctx, r.end = context.WithCancelCause(context.Background())
	t.Cleanup(func() { r.end(nil) })
	return r
}

func (r *fakeRun) Hello(got []byte, pid int) (Run, error) {
	if string(got) != token {
		return nil, message.Errorf(message.Denied, "another token")
	}
	return r, nil
}

func (r *fakeRun) Family(got []byte) (left func(), err error) {
	if string(got) != token {
		return nil, message.Errorf(message.Denied, "another token")
	}
	r.families.Add(1)
	return func() { r.families.Add(-1) }, nil
}

func (r *fakeRun) Context() context.Context { return r.ctx }
func (r *fakeRun) Welcome() Welcome         { return Welcome{Asks: true, UDP: UDPBlock} }
func (r *fakeRun) Closed(pid int)           { r.closed <- pid }

func (r *fakeRun) Dial(ctx context.Context, dial *Dial) {
	var err error
	if decide, _ := r.told(); decide != nil {
		err = decide(dial)
	} else {
		decided := dialled{ctx, dial, make(chan error, 1)}
		r.dials <- decided
		select {
		case err = <-decided.result:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	var socket *splice.Socket
	if err == nil {
		socket, err = dial.Join()
	}
	if err != nil {
		dial.Fail(err)
		r.failed <- err
		return
	}
	r.joined <- socket
}

func (r *fakeRun) Resolve(ctx context.Context, name string, _, _ bool) Addresses {
	if _, answer := r.told(); answer != nil {
		select {
		case <-answer:
		case <-ctx.Done():
		}
	}
	return Addresses{Canonical: name, Addresses: []netip.Addr{destination.Addr()}}
}

func (r *fakeRun) Reverse(context.Context, netip.Addr) Names { return Names{Names: []string{"hello"}} }

func (r *fakeRun) Query(_ context.Context, query []byte) []byte {
	if len(query) == 0 {
		return nil
	}
	return query
}

func (r *fakeRun) Flow(_ context.Context, flow Flow) (netip.AddrPort, error) {
	unix.Close(flow.Socket)
	if flow.Destination.Port() == 1 {
		return netip.AddrPort{}, message.Errorf(message.Denied, "not there")
	}
	return netip.MustParseAddrPort("127.0.0.1:4000"), nil
}

func (r *fakeRun) Control(context.Context) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ConnectControl(r.control)
}

// controlAt has the run's control socket at path.
func (r *fakeRun) controlAt(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.control = path
}

type fixture struct {
	*fakeRun
	path   string
	board  *board.Board
	tarpit *tarpit.Tarpit
	server *Server
}

func serve(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{fakeRun: newRun(t), path: filepath.Join(t.TempDir(), "dial.sock")}
	var err error
	if f.board, err = board.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.board.Close() })
	if f.tarpit, err = tarpit.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.tarpit.Close)
	f.board.SetTarpits(f.tarpit.Addresses())
	if f.server, err = Listen(Options{Path: f.path, Board: f.board, Tarpit: f.tarpit, Runs: f}); err != nil {
		t.Fatal(err)
	}
	closing := sync.OnceFunc(f.server.Close)
	t.Cleanup(closing)
	return f
}

func within[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// until waits for a condition that no event tells of.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
