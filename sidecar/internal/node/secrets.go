package node

import (
	"regexp"
	"strings"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// secrets are what must be in no error, whoever put it there: the auth keys of this node.
type secrets struct {
	mu    sync.Mutex
	known []string
}

// keyShape is that of Tailscale's keys, of which a server may quote another than it was given: one without its attributes,
// or the one that an OAuth client secret was good for.
var keyShape = regexp.MustCompile(`tskey-[A-Za-z0-9_-]+`)

const hidden = "(auth key)"

func (s *secrets) add(secret string) {
	if secret == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = append(s.known, secret)
}

func (s *secrets) conceal(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.known {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return keyShape.ReplaceAllString(text, hidden)
}

// hide returns err without secrets. One that has any loses what it wraps.
func (s *secrets) hide(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	concealed := s.conceal(text)
	if concealed == text {
		return err
	}
	return message.Errorf(message.CodeOf(err), "%s", concealed)
}
