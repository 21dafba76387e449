package message

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// maxSocketPath is what sockaddr_un holds beside its NUL (unix(7)).
const maxSocketPath = 107

// Tarpit says for which families there is a listener that drops what comes to it.
type Tarpit string

const (
	TarpitBoth Tarpit = "both"
	TarpitIPv4 Tarpit = "ipv4"
	TarpitNone Tarpit = "none"
)

func (t Tarpit) check() error { return oneOf(t, TarpitBoth, TarpitIPv4, TarpitNone) }

// ServeDials opens the dial socket (docs/preload-protocol.md).
type ServeDials struct {
	Path string `json:"path"`
}

func (s ServeDials) check() error { return socketPath("path", s.Path) }

func socketPath(field, path string) error {
	switch {
	case len(path) > maxSocketPath:
		return fmt.Errorf("%s: must be at most %d bytes long", field, maxSocketPath)
	case !filepath.IsAbs(path) || strings.ContainsRune(path, 0):
		return errors.New(field + ": must be an absolute path")
	}
	return nil
}

// ServeDialsResult says how programs connect. Without a tarpit it is by SOCKS5; Detail says why a
// family has none.
type ServeDialsResult struct {
	Tarpit Tarpit `json:"tarpit"`
	Detail string `json:"detail,omitempty"`
}
