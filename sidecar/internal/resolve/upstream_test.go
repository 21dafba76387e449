package resolve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// truncate is a server that has no room in a datagram.
func truncate(network string, answer []byte) []byte {
	if network == "udp" {
		answer = slices.Clone(answer[:headerSize])
		answer[2] |= flagTruncated >> 8
		setCount(answer, 0, 0)
		setCount(answer, 1, 0)
		answer[3] |= byte(dnsmessage.RCodeServerFailure)
	}
	return answer
}

func TestUpstreamTakesTCPForWhatDoesNotFit(t *testing.T) {
	s := newHostServer(t)
	s.add("example.org", a("198.51.100.7"))
	s.edit = truncate
	answer, err := s.upstream(t).Exchange(t.Context(), mustQuery(t, "example.org", dnsmessage.TypeA))
	if err != nil {
		t.Fatal(err)
	}
	if m := unpack(t, answer); text(m) != "Success; example.org. 198.51.100.7" || m.Truncated {
		t.Errorf("got %s", text(m))
	}
}

func TestUpstreamKeepsWhatFittedWhenThereIsNoTCP(t *testing.T) {
	s := newHostServer(t)
	s.edit = func(network string, answer []byte) []byte {
		if network == "tcp" {
			return nil
		}
		answer[2] |= flagTruncated >> 8
		return answer
	}
	s.add("example.org", a("198.51.100.7"))
	answer, err := s.upstream(t).Exchange(t.Context(), mustQuery(t, "example.org", dnsmessage.TypeA))
	if err != nil {
		t.Fatal(err)
	}
	if m := unpack(t, answer); text(m) != "Success; example.org. 198.51.100.7" || !m.Truncated {
		t.Errorf("got %s", text(m))
	}
}

func TestUpstreamTakesOnlyAnAnswerToItsQuestion(t *testing.T) {
	for name, edit := range map[string]func([]byte){
		"another_id":       func(answer []byte) { answer[0]++ },
		"a_query":          func(answer []byte) { answer[2] &^= 0x80 },
		"another_name":     func(answer []byte) { answer[headerSize+1] ^= 1 },
		"another_type":     func(answer []byte) { answer[headerSize+14] ^= 1 },
		"nothing_asked":    func(answer []byte) { setCount(answer, 0, 0) },
		"half_of_a_header": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHostServer(t)
			s.add("example.org", a("198.51.100.7"))
			s.edit = func(_ string, answer []byte) []byte {
				if edit == nil {
					return answer[:6]
				}
				edit(answer)
				return answer
			}
			answer, err := s.upstream(t).Exchange(t.Context(), mustQuery(t, "example.org", dnsmessage.TypeA))
			if message.CodeOf(err) != message.TimedOut {
				t.Errorf("got %x, %v", answer, err)
			}
		})
	}
}

// second is an upstream whose first resolvers are on other addresses of loopback.
func second(t *testing.T, s *hostServer, first ...string) *Upstream {
	var conf bytes.Buffer
	for _, server := range append(first, "127.0.0.1") {
		fmt.Fprintf(&conf, "nameserver %s\n", server)
	}
	conf.WriteString("options timeout:1 attempts:1\n")
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, conf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	upstream := s.upstream(t)
	upstream.Conf = NewResolvConf(path)
	return upstream
}

func TestUpstreamAsksTheNextResolver(t *testing.T) {
	t.Parallel()
	s := newHostServer(t)
	s.add("example.org", a("198.51.100.7"))
	answer, err := second(t, s, "127.0.0.2").Exchange(t.Context(), mustQuery(t, "example.org", dnsmessage.TypeA))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(unpack(t, answer)); got != "Success; example.org. 198.51.100.7" {
		t.Errorf("got %s", got)
	}
	// The fourth is never asked: MAXNS of the C libraries.
	_, err = second(t, s, "127.0.0.2", "127.0.0.3", "127.0.0.4").Exchange(t.Context(), mustQuery(t, "example.org", dnsmessage.TypeA))
	if message.CodeOf(err) != message.TimedOut {
		t.Errorf("got %v", err)
	}
}

func TestUpstreamGivesARefusalOnlyWhenThereIsNothingElse(t *testing.T) {
	s := newHostServer(t)
	s.others = dnsmessage.RCodeRefused
	answer, err := s.upstream(t).Exchange(t.Context(), mustQuery(t, "example.org", dnsmessage.TypeA))
	if err != nil || rcodeOf(answer) != dnsmessage.RCodeRefused {
		t.Errorf("got %x, %v", answer, err)
	}
}

func TestUpstreamEndsWithItsContext(t *testing.T) {
	s := newHostServer(t)
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.edit = func(string, []byte) []byte { cancel(gone); return nil }
	if _, err := s.upstream(t).Exchange(ctx, mustQuery(t, "example.org", dnsmessage.TypeA)); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestUpstreamSendsTheQueryAsItIs(t *testing.T) {
	s := newHostServer(t)
	query := asks{name: "eXample.org.", kind: 9824, edns: 4096, do: true, noRD: true}.pack(t)
	if _, err := s.upstream(t).Exchange(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.messages()[0][2:], query[2:]) {
		t.Errorf("%x was sent as %x", query, s.messages()[0])
	}
}
