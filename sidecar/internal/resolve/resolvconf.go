package resolve

import (
	"bufio"
	"bytes"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultResolvConf is the host's: resolv.conf(5).
	DefaultResolvConf = "/etc/resolv.conf"
	// resolvConfAge is how long the file is used before it is looked at again.
	resolvConfAge = time.Second
	// maxResolvConf bounds the file, in bytes.
	maxResolvConf = 64 << 10
	// maxAsked is how many of the resolvers are asked, as the C libraries do: MAXNS.
	maxAsked = 3
	// maxSearch bounds the search list; every domain may cost a query.
	maxSearch = 32
)

// settings of resolv.conf(5), with its defaults and limits.
type resolvSettings struct {
	// servers are all that the file names, in its order.
	servers  []netip.Addr
	search   []string
	ndots    int
	timeout  time.Duration
	attempts int
}

// ResolvConf is a resolv.conf, which is read again when it changed.
type ResolvConf struct {
	path string

	mu       sync.Mutex
	checked  time.Time
	modified time.Time
	size     int64
	version  uint64
	settings resolvSettings
}

// NewResolvConf returns the resolv.conf at path.
func NewResolvConf(path string) *ResolvConf { return &ResolvConf{path: path} }

// Resolvers returns all that are named, without zones: a datagram to port 53 of one of them is a query. A file that
// names none means this host.
func (c *ResolvConf) Resolvers() []netip.Addr {
	settings, _ := c.get()
	var all []netip.Addr
	for _, addr := range settings.servers {
		if addr = addr.Unmap().WithZone(""); !slices.Contains(all, addr) {
			all = append(all, addr)
		}
	}
	return all
}

// IsResolver reports whether addr is one of those that are named.
func (c *ResolvConf) IsResolver(addr netip.Addr) bool {
	return slices.Contains(c.Resolvers(), addr.Unmap().WithZone(""))
}

// get returns the settings and which version of them it is.
func (c *ResolvConf) get() (resolvSettings, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.version > 0 && now.Sub(c.checked) < resolvConfAge {
		return c.settings, c.version
	}
	c.checked = now
	info, err := os.Stat(c.path)
	if err != nil {
		if c.version == 0 || !c.modified.IsZero() {
			c.modified, c.size = time.Time{}, 0
			c.setLocked(strings.NewReader(""))
		}
		return c.settings, c.version
	}
	if c.version > 0 && info.ModTime().Equal(c.modified) && info.Size() == c.size {
		return c.settings, c.version
	}
	file, err := os.Open(c.path)
	if err != nil {
		if c.version == 0 {
			c.setLocked(strings.NewReader(""))
		}
		return c.settings, c.version
	}
	defer file.Close()
	c.modified, c.size = info.ModTime(), info.Size()
	c.setLocked(file)
	return c.settings, c.version
}

func (c *ResolvConf) setLocked(r io.Reader) {
	c.settings = parseResolvConf(io.LimitReader(r, maxResolvConf))
	c.version++
}

// parseResolvConf reads what it understands, as glibc does: a keyword counts only at the start of a line.
func parseResolvConf(r io.Reader) resolvSettings {
	settings := resolvSettings{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	searched := false
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxResolvConf+1)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 || bytes.IndexByte([]byte("#; \t"), line[0]) >= 0 {
			continue
		}
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if addr, ok := parseNameserver(fields[1]); ok {
				settings.servers = append(settings.servers, addr)
			}
		case "domain":
			settings.search, searched = searchList(fields[1:2]), true
		case "search":
			settings.search, searched = searchList(fields[1:]), true
		case "options":
			settings.options(fields[1:])
		}
	}
	if len(settings.servers) == 0 {
		settings.servers = loopback()
	}
	if !searched {
		settings.search = domainOfHost()
	}
	return settings
}

func (s *resolvSettings) options(options []string) {
	for _, option := range options {
		name, text, ok := strings.Cut(option, ":")
		value, err := strconv.Atoi(text)
		if !ok || err != nil || value < 0 {
			continue
		}
		switch name {
		case "ndots":
			s.ndots = min(value, 15)
		case "timeout":
			s.timeout = time.Duration(min(max(value, 1), 30)) * time.Second
		case "attempts":
			s.attempts = min(max(value, 1), 5)
		}
	}
}

func searchList(domains []string) []string {
	var list []string
	for _, domain := range domains {
		// A root means "the name as it is", which is tried anyway.
		if domain = strings.ToLower(strings.TrimSuffix(domain, ".")); valid(domain) && len(list) < maxSearch {
			list = append(list, domain)
		}
	}
	return list
}

// domainOfHost is what is searched when the file says nothing.
func domainOfHost() []string {
	name, err := os.Hostname()
	if err != nil {
		return nil
	}
	_, domain, _ := strings.Cut(name, ".")
	return searchList([]string{domain})
}

// parseNameserver reads an address in the forms of inet_pton(3), with a zone, and of inet_aton(3).
func parseNameserver(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr, true
	}
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var whole uint64
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		value, err := strconv.ParseUint(part, 0, 32)
		if err != nil || value >= 1<<bits || strings.ContainsAny(part, "_bBoO") {
			return netip.Addr{}, false
		}
		whole = whole<<bits | value
	}
	return netip.AddrFrom4([4]byte{byte(whole >> 24), byte(whole >> 16), byte(whole >> 8), byte(whole)}), true
}
