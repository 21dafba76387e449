package resolve

import (
	"bufio"
	"bytes"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

const (
	// DefaultHosts is the host's hosts file: hosts(5).
	DefaultHosts = "/etc/hosts"
	// hostsAge is how long the file is used before it is looked at again.
	hostsAge = time.Second
	// maxHosts bounds the file, in bytes.
	maxHosts = 16 << 20
)

// Hosts answers from a hosts file, which is read again when it changed. A nil Hosts knows nothing.
type Hosts struct {
	path string

	mu       sync.Mutex
	checked  time.Time
	modified time.Time
	size     int64
	byName   map[string][]netip.Addr
	byAddr   map[netip.Addr][]string
}

// NewHosts returns the hosts file at path.
func NewHosts(path string) *Hosts { return &Hosts{path: path} }

// Addresses returns the addresses of a name in lower case without a trailing dot.
func (h *Hosts) Addresses(name string) []netip.Addr {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refreshLocked()
	return h.byName[name]
}

// Names returns the names of an address.
func (h *Hosts) Names(addr netip.Addr) []string {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refreshLocked()
	return h.byAddr[addr]
}

func (h *Hosts) refreshLocked() {
	now := time.Now()
	if now.Sub(h.checked) < hostsAge && !h.checked.IsZero() {
		return
	}
	h.checked = now
	info, err := os.Stat(h.path)
	if err != nil {
		h.byName, h.byAddr, h.modified = nil, nil, time.Time{}
		return
	}
	if h.byName != nil && info.ModTime().Equal(h.modified) && info.Size() == h.size {
		return
	}
	file, err := os.Open(h.path)
	if err != nil {
		return
	}
	defer file.Close()
	h.byName, h.byAddr = parseHosts(io.LimitReader(file, maxHosts))
	h.modified, h.size = info.ModTime(), info.Size()
}

// parseHosts reads what it understands and leaves the rest out, as resolvers do.
func parseHosts(r io.Reader) (map[string][]netip.Addr, map[netip.Addr][]string) {
	byName := map[string][]netip.Addr{}
	byAddr := map[netip.Addr][]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := bytes.Cut(lines.Bytes(), []byte("#"))
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		addr = addr.Unmap().WithZone("")
		for _, field := range fields[1:] {
			name := peers.CanonicalName(field)
			byName[name] = append(byName[name], addr)
			byAddr[addr] = append(byAddr[addr], name)
		}
	}
	return byName, byAddr
}
