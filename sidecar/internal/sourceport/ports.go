// Package sourceport connects to listeners of this host from loopback ports that are known before the connection is made.
package sourceport

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"
)

// portRange is the host's ephemeral ports: ip(7), ip_local_port_range.
const portRange = "/proc/sys/net/ipv4/ip_local_port_range"

// The range where the kernel's cannot be read: what Linux has by default.
const (
	defaultFirst = 32_768
	defaultLast  = 60_999
)

func readRange(path string) (first, last uint16) {
	text, err := os.ReadFile(path)
	if err == nil {
		_, err = fmt.Sscan(string(text), &first, &last)
	}
	if err != nil || first == 0 || last < first {
		return defaultFirst, defaultLast
	}
	return first, last
}

// How long a port rests between two connections. With tcp_tw_reuse a connection of loopback may follow one in TIME_WAIT when
// the kernel's clock has gone on by a second (ip-sysctl.rst); without it, after the minute of TIME_WAIT.
const (
	shortRest = 1100 * time.Millisecond
	longRest  = 61 * time.Second
)

const timeWaitReuse = "/proc/sys/net/ipv4/tcp_tw_reuse"

func readRest(path string) time.Duration {
	if text, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(text)) == "0" {
		return longRest
	}
	return shortRest
}

// ports are those of one loopback address. Each is one connection's at a time, and then rests; the one that has rested longest
// comes first, and a new one only when none has rested enough. So few are used: one that is in TIME_WAIT after an explicit bind()
// is none that the kernel can give to others, who would find all ports taken after some thousand short connections.
// For them half are left alone as long as possible, too: those whose parity is that of the range's second, where the kernel looks
// first for a bind() to port 0.
type ports struct {
	first uint16
	count int
	rest  time.Duration
	now   func() time.Time

	mu sync.Mutex
	// fresh counts the ports that were given for the first time, begun with start.
	fresh, start int
	// resting were ours, strangers somebody else's.
	resting, strangers queue
}

func newPorts(first, last uint16, rest time.Duration) *ports {
	count := int(last) - int(first) + 1
	// Two sidecars that begin at one place would be in each other's way.
	return &ports{first: first, count: count, rest: rest, now: time.Now, start: rand.IntN(count)}
}

// take returns a port that is not in use here; ok is false when all are.
func (p *ports) take() (port uint16, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	switch {
	case p.resting.since(now) >= p.rest:
		return p.resting.pop()
	case p.strangers.since(now) >= longRest:
		return p.strangers.pop()
	case p.fresh < p.count:
		p.fresh++
		return p.first + p.nth(p.fresh-1), true
	}
	if port, ok = p.resting.pop(); ok {
		return port, true
	}
	return p.strangers.pop()
}

// stride takes one port far from the last: where many are a stranger's they are so in rows, since the kernel gives them in turn.
// It is prime, and more than half the ports there can be, so that all come before any comes again.
const stride = 32_771

// nth returns the ports in the order in which they are first given: those of even offset, then the others.
func (p *ports) nth(n int) uint16 {
	even := (p.count + 1) / 2
	if n < even {
		return uint16((p.start + n*stride) % even * 2)
	}
	odd := p.count - even
	return uint16((p.start+n*stride)%odd*2 + 1)
}

func (p *ports) giveBack(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resting.push(port, p.now())
}

// isStrangers gives a port back that somebody else has, for as long as TIME_WAIT may last.
func (p *ports) isStrangers(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strangers.push(port, p.now())
}

// queue is ports, the one that was put there first in front.
type queue []waiting

type waiting struct {
	port uint16
	from time.Time
}

func (q *queue) push(port uint16, now time.Time) { *q = append(*q, waiting{port, now}) }

func (q *queue) pop() (port uint16, ok bool) {
	if len(*q) == 0 {
		return 0, false
	}
	port = (*q)[0].port
	*q = (*q)[1:]
	return port, true
}

// since returns how long the first one waits; less than any time when there is none.
func (q queue) since(now time.Time) time.Duration {
	if len(q) == 0 {
		return -1
	}
	return now.Sub(q[0].from)
}
