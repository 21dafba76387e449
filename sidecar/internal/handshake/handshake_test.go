package handshake_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/handshake"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const (
	hello = `{"id":1,"method":"hello","params":{"protocol":1,"driver":"0.1.0"}}`
	stop  = `{"id":2,"method":"stop","params":{}}`
)

// talk sends lines to a sidecar that knows hello, stop and the event clientWrite, and returns what it
// says until it closes the channel or, if it does not, has answered all.
func talk(t *testing.T, shutdown error, lines ...string) (answers []string, ended error) {
	t.Helper()
	near, far := net.Pipe()
	_ = far.SetDeadline(time.Now().Add(10 * time.Second))
	c := channel.New(near)
	handshake.Install(c, message.RoleLab, func(context.Context) error { return shutdown })
	channel.HandleEvent(c, message.EventClientWrite, func(message.ClientWrite) {})
	done := make(chan error, 1)
	go func() { done <- c.Serve(t.Context()) }()
	go func() { _, _ = io.WriteString(far, strings.Join(lines, "\n")+"\n") }()
	scanner := bufio.NewScanner(far)
	for scanner.Scan() {
		answers = append(answers, scanner.Text())
		if len(answers) == len(lines) && !strings.Contains(lines[len(lines)-1], "stop") {
			far.Close()
			break
		}
	}
	return answers, <-done
}

func TestHello(t *testing.T) {
	answers, err := talk(t, nil, hello)
	if err != nil || len(answers) != 1 {
		t.Fatalf("%q, %v", answers, err)
	}
	result, err := message.Decode[message.HelloResult]([]byte(strings.TrimSuffix(strings.TrimPrefix(answers[0], `{"id":1,"result":`), "}")))
	if err != nil {
		t.Fatal(err)
	}
	if result.PID != message.Limit(os.Getpid()) || result.Role != message.RoleLab || result.Version == "" || result.Tailscale == "" {
		t.Errorf("%+v", result)
	}
}

func TestBeforeHello(t *testing.T) {
	answers, err := talk(t, nil, `{"id":1,"method":"stop","params":{}}`, `{"id":2,"method":"hello","params":{"protocol":1,"driver":"x"}}`, `{"id":3,"method":"hello","params":{"protocol":1,"driver":"x"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{`"code":"protocol"`, `"result"`, `"code":"protocol"`} {
		if !strings.Contains(answers[n], want) {
			t.Errorf("answer %d is %s; want %s", n+1, answers[n], want)
		}
	}
}

func TestEventBeforeHello(t *testing.T) {
	if answers, err := talk(t, nil, `{"event":"clientWrite","params":{"client":1,"bytes":""}}`); err == nil {
		t.Errorf("the session ended in order: %q", answers)
	}
}

func TestAnotherProtocol(t *testing.T) {
	answers, err := talk(t, nil, `{"id":1,"method":"hello","params":{"protocol":2,"driver":"9.0.0"}}`, stop)
	if err != nil || len(answers) == 0 {
		t.Fatalf("%q, %v", answers, err)
	}
	if !strings.Contains(answers[0], `"code":"protocol"`) || !strings.Contains(answers[0], "protocol 2") || !strings.Contains(answers[0], "speaks 1") {
		t.Errorf("the answer does not name both versions: %s", answers[0])
	}
}

func TestStop(t *testing.T) {
	tests := []struct {
		name     string
		shutdown error
		want     string
	}{
		{"in-order", nil, `{"id":2,"result":{}}`},
		{"with-an-error", errors.New("cannot"), `{"id":2,"error":{"code":"internal","message":"cannot"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers, err := talk(t, tt.shutdown, hello, stop)
			if err != nil || len(answers) != 2 || answers[1] != tt.want {
				t.Errorf("%q, %v; want %s", answers, err, tt.want)
			}
		})
	}
}
