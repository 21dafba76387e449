package channel_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const testLimit = 10 * time.Second

// socketPair is what the driver gives the sidecar.
func socketPair(t testing.TB) (near, far *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	near, far = os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// session is a channel.Conn with the raw other end of its stream.
type session struct {
	conn  *channel.Conn
	raw   *os.File
	lines *bufio.Reader
	ended chan error
}

func serve(t testing.TB, register func(*channel.Conn)) *session {
	t.Helper()
	near, far := socketPair(t)
	s := &session{conn: channel.New(near), raw: far, lines: bufio.NewReaderSize(far, 2<<20), ended: make(chan error, 1)}
	if register != nil {
		register(s.conn)
	}
	_ = far.SetDeadline(time.Now().Add(testLimit))
	go func() { s.ended <- s.conn.Serve(context.Background()) }()
	t.Cleanup(func() { s.conn.End(nil) })
	return s
}

func (s *session) send(t testing.TB, lines ...string) {
	t.Helper()
	if _, err := io.WriteString(s.raw, strings.Join(lines, "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (s *session) receive(t testing.TB) string {
	t.Helper()
	line, err := s.lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (s *session) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(testLimit):
		t.Fatal("the session goes on")
		return nil
	}
}

func TestRequests(t *testing.T) {
	s := serve(t, func(c *channel.Conn) {
		channel.HandleRequest(c, "fileCapabilities", func(_ context.Context, p message.FileCapabilities) (message.FileCapabilitiesResult, error) {
			if p.Path == "/fails" {
				return message.FileCapabilitiesResult{}, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
			}
			return message.FileCapabilitiesResult{Present: p.Path == "/has"}, nil
		})
	})
	tests := []struct{ name, line, want string }{
		{"result", `{"id":1,"method":"fileCapabilities","params":{"path":"/has"}}`, `{"id":1,"result":{"present":true}}`},
		{"error", `{"id":3,"method":"fileCapabilities","params":{"path":"/fails"}}`, `{"id":3,"error":{"code":"refused","message":"dial: connection refused"}}`},
		{"unknown-method", `{"id":4,"method":"reboot","params":{}}`, `{"id":4,"error":{"code":"protocol","message":"there is no method \"reboot\""}}`},
		{"unknown-field", `{"id":5,"method":"fileCapabilities","params":{"path":"/","x":1}}`, `{"id":5,"error":{"code":"protocol","message":"fileCapabilities: unknown field \"x\""}}`},
		{"missing-field", `{"id":6,"method":"fileCapabilities","params":{}}`, `{"id":6,"error":{"code":"protocol","message":"fileCapabilities: path: missing"}}`},
		{"goes-on", `{"id":7,"method":"fileCapabilities","params":{"path":"/"}}`, `{"id":7,"result":{"present":false}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.send(t, tt.line)
			if got := s.receive(t); got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
		})
	}
}

func TestProtocolErrorsEndTheSession(t *testing.T) {
	tests := []struct{ name, line string }{
		{"not-json", `hello`},
		{"empty-line", ``},
		{"unknown-shape", `{"id":1}`},
		{"unknown-event", `{"event":"weather","params":{}}`},
		{"malformed-event", `{"event":"clientWrite","params":{"client":0,"bytes":""}}`},
		{"answer-nobody-asked-for", `{"id":1,"result":{}}`},
		{"request-id-again", `{"id":1,"method":"stop","params":{}}` + "\n" + `{"id":1,"method":"stop","params":{}}`},
		{"line-too-long", `{"event":"clientWrite","params":{"client":1,"bytes":"` + strings.Repeat("A", channel.MaxLine) + `"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(c *channel.Conn) {
				channel.HandleEvent(c, "clientWrite", func(message.ClientWrite) {})
			})
			go func() { _, _ = io.WriteString(s.raw, tt.line+"\n") }()
			if err := s.end(t); err == nil {
				t.Error("it ended in order")
			}
			// A reset says that some of the line was left unread.
			if _, err := io.Copy(io.Discard, s.lines); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the stream is not closed: %v", err)
			}
		})
	}
}

func TestLongestLine(t *testing.T) {
	got := make(chan int, 1)
	s := serve(t, func(c *channel.Conn) {
		channel.HandleEvent(c, "log", func(p message.Log) { got <- len(p.Message) })
	})
	const frame = `{"event":"log","params":{"level":"info","message":""}}` + "\n"
	text := strings.Repeat("x", channel.MaxLine-len(frame))
	s.send(t, `{"event":"log","params":{"level":"info","message":"`+text+`"}}`)
	if n := <-got; n != len(text) {
		t.Errorf("got %d bytes of %d", n, len(text))
	}
	sent := make(chan error)
	go func() { sent <- s.conn.Notify("log", message.Log{Level: "info", Message: text}) }()
	if line := s.receive(t); len(line) != channel.MaxLine-1 {
		t.Errorf("sent %d bytes", len(line))
	}
	if err := <-sent; err != nil {
		t.Errorf("sending the longest line: %v", err)
	}
	if err := s.conn.Notify("log", message.Log{Level: "info", Message: text + "x"}); err == nil {
		t.Error("a longer line was sent")
	}
	if err := s.conn.Notify("log", message.Log{Level: "info", Message: "after"}); err != nil {
		t.Fatal(err)
	}
	if line := s.receive(t); !strings.Contains(line, "after") {
		t.Errorf("after a line that was too long: %s", line)
	}
}

func TestResultTooLong(t *testing.T) {
	s := serve(t, func(c *channel.Conn) {
		channel.HandleRequest(c, "resolve", func(context.Context, message.Resolve) (message.ResolveResult, error) {
			return message.ResolveResult{CanonicalName: strings.Repeat("x", channel.MaxLine)}, nil
		})
	})
	s.send(t, `{"id":1,"method":"resolve","params":{"name":"a","types":["A"]}}`)
	if got := s.receive(t); !strings.Contains(got, `"error":{"code":"internal"`) {
		t.Errorf("got %s", got)
	}
}

func TestClosing(t *testing.T) {
	t.Run("peer-closes", func(t *testing.T) {
		s := serve(t, nil)
		s.raw.Close()
		if err := s.end(t); err != nil {
			t.Errorf("ended with %v", err)
		}
		if err := s.conn.Err(); !errors.Is(err, channel.ErrClosed) || message.CodeOf(err) != message.Aborted {
			t.Errorf("the reason is %v", err)
		}
	})
	t.Run("peer-closes-within-a-line", func(t *testing.T) {
		s := serve(t, nil)
		_, _ = io.WriteString(s.raw, `{"id":1`)
		s.raw.Close()
		if err := s.end(t); err == nil {
			t.Error("ended in order")
		}
	})
	t.Run("peer-closes-with-messages-unread", func(t *testing.T) {
		s := serve(t, nil)
		if err := s.conn.Notify("log", message.Log{Level: "info", Message: "unread"}); err != nil {
			t.Fatal(err)
		}
		s.raw.Close()
		if err := s.end(t); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("context-ends", func(t *testing.T) {
		near, _ := socketPair(t)
		c := channel.New(near)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Serve(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("request-is-told", func(t *testing.T) {
		told := make(chan error, 1)
		s := serve(t, func(c *channel.Conn) {
			channel.HandleRequest(c, "peers", func(ctx context.Context, _ message.Empty) (message.Peers, error) {
				<-ctx.Done()
				told <- context.Cause(ctx)
				return message.Peers{}, ctx.Err()
			})
		})
		s.send(t, `{"id":1,"method":"peers","params":{}}`)
		s.raw.Close()
		if err := <-told; !errors.Is(err, channel.ErrClosed) {
			t.Errorf("told %v", err)
		}
	})
	t.Run("finish-sends-the-rest", func(t *testing.T) {
		s := serve(t, nil)
		go func() {
			for n := range 1000 {
				_ = s.conn.Notify("log", message.Log{Level: "info", Message: fmt.Sprint(n)})
			}
			s.conn.Finish()
		}()
		all, err := io.ReadAll(s.lines)
		if err != nil || strings.Count(string(all), "\n") != 1000 {
			t.Errorf("got %d lines, %v", strings.Count(string(all), "\n"), err)
		}
		if err := s.end(t); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestCall(t *testing.T) {
	ask := message.Ask{Origin: "socks", Direction: "outbound", Network: "tcp", Source: "127.0.0.1:1", Destination: "127.0.0.1:2"}
	call := func(ctx context.Context, s *session) (message.AskResult, error) {
		return channel.Call[message.AskResult](ctx, s.conn, "ask", ask)
	}
	t.Run("result", func(t *testing.T) {
		s := serve(t, nil)
		go func() { s.receive(t); s.send(t, `{"id":1,"result":{"allow":true}}`) }()
		if got, err := call(t.Context(), s); err != nil || !got.Allow {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("error", func(t *testing.T) {
		s := serve(t, nil)
		go func() { s.receive(t); s.send(t, `{"id":1,"error":{"code":"denied","message":"no"}}`) }()
		if _, err := call(t.Context(), s); message.CodeOf(err) != message.Denied || err.Error() != "no" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("late-answer-is-dropped", func(t *testing.T) {
		s := serve(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { s.receive(t); cancel() }()
		if _, err := call(ctx, s); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		go func() {
			s.receive(t)
			s.send(t, `{"id":1,"result":{"allow":true}}`, `{"id":2,"result":{"allow":false}}`)
		}()
		if got, err := call(t.Context(), s); err != nil || got.Allow {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("malformed-answer-ends-the-session", func(t *testing.T) {
		s := serve(t, nil)
		go func() { s.receive(t); s.send(t, `{"id":1,"result":{"allow":"yes"}}`) }()
		if _, err := call(t.Context(), s); !errors.Is(err, channel.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("end-fails-all-for-one-reason", func(t *testing.T) {
		s := serve(t, nil)
		reason := errors.New("the node is on fire")
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := call(t.Context(), s); !errors.Is(err, reason) {
					t.Errorf("got %v", err)
				}
			})
		}
		for range 10 {
			s.receive(t)
		}
		s.conn.End(reason)
		all.Wait()
		if _, err := call(t.Context(), s); !errors.Is(err, reason) {
			t.Errorf("a later call: %v", err)
		}
		if err := s.conn.Notify("log", message.Log{}); !errors.Is(err, reason) {
			t.Errorf("a later event: %v", err)
		}
	})
}

// TestOrder sends interleaved events and in-order requests of many clients from many writers' worth of
// lines and expects each client's to be seen in order.
func TestOrder(t *testing.T) {
	const clients, each = 50, 200
	var seen [clients + 1][]string
	done := make(chan struct{})
	total := 0
	note := func(client message.ID, what string) {
		seen[client] = append(seen[client], what)
		if total++; total == clients*each*2 {
			close(done)
		}
	}
	s := serve(t, func(c *channel.Conn) {
		channel.HandleEvent(c, "clientWrite", func(p message.ClientWrite) { note(p.Client, "write") })
		channel.HandleInOrder(c, "clientDial", func(_ context.Context, p message.ClientDial, answer func(message.ClientDialResult, error)) {
			note(p.Client, "dial")
			go answer(message.ClientDialResult{Flow: p.Client, Bound: "127.0.0.1:1", Route: "direct"}, nil)
		})
	})
	go func() {
		id := 0
		var lines []string
		for range each {
			for client := 1; client <= clients; client++ {
				id++
				lines = append(lines,
					fmt.Sprintf(`{"event":"clientWrite","params":{"client":%d,"bytes":""}}`, client),
					fmt.Sprintf(`{"id":%d,"method":"clientDial","params":{"client":%d,"network":"tcp","host":"h","port":1,"deadlineMs":1,"onSuccess":""}}`, id, client))
			}
		}
		s.send(t, lines...)
	}()
	answers := map[string]bool{}
	for range clients * each {
		answers[s.receive(t)] = true
	}
	<-done
	if len(answers) != clients*each {
		t.Errorf("%d different answers", len(answers))
	}
	for client := 1; client <= clients; client++ {
		for n, what := range seen[client] {
			if want := []string{"write", "dial"}[n%2]; what != want {
				t.Fatalf("client %d: message %d is %s", client, n, what)
			}
		}
	}
}

func TestWritersKeepTheirOrder(t *testing.T) {
	const writers, each = 20, 500
	s := serve(t, nil)
	for writer := 1; writer <= writers; writer++ {
		go func() {
			for n := 1; n <= each; n++ {
				_ = s.conn.Notify("flowClosed", message.FlowClosed{Flow: message.ID(writer), BytesUp: uint64(n)})
			}
		}()
	}
	last := map[int]int{}
	for range writers * each {
		var writer, n int
		line := s.receive(t)
		if _, err := fmt.Sscanf(line, `{"event":"flowClosed","params":{"flow":%d,"bytesUp":%d,`, &writer, &n); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if n != last[writer]+1 {
			t.Fatalf("writer %d: %d after %d", writer, n, last[writer])
		}
		last[writer] = n
	}
}

// TestSlowReader checks that senders wait for a reader that does not read, and are let go by the end.
func TestSlowReader(t *testing.T) {
	s := serve(t, nil)
	sent := make(chan int, 1)
	go func() {
		text := strings.Repeat("x", 64<<10)
		for n := 0; ; n++ {
			if s.conn.Notify("log", message.Log{Level: "info", Message: text}) != nil {
				sent <- n
				return
			}
		}
	}()
	time.Sleep(50 * time.Millisecond)
	s.conn.End(nil)
	if n := <-sent; n > 10*channel.MaxLine/(64<<10) {
		t.Errorf("%d MiB were taken for a reader that does not read", n*64/1024)
	}
}

func TestNetPipe(t *testing.T) {
	near, far := net.Pipe()
	a, b := channel.New(near), channel.New(far)
	channel.HandleRequest(b, "stop", func(context.Context, message.Empty) (message.Empty, error) { return message.Empty{}, nil })
	go a.Serve(t.Context())
	go b.Serve(t.Context())
	for range 100 {
		if _, err := channel.Call[message.Empty](t.Context(), a, "stop", message.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	a.End(nil)
}
