package noderole

import (
	"net/netip"
	"sync"
)

// maxRecent is how many addresses a run's names are remembered for.
const maxRecent = 512

// recentNames remembers what a run's programs have looked up, since they dial addresses and people know names. The
// oldest go first.
type recentNames struct {
	mu     sync.Mutex
	byAddr map[netip.Addr]string
	order  []netip.Addr
	next   int
}

func (n *recentNames) add(addr netip.Addr, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byAddr == nil {
		n.byAddr = map[netip.Addr]string{}
	}
	if _, ok := n.byAddr[addr]; !ok {
		if len(n.order) < maxRecent {
			n.order = append(n.order, addr)
		} else {
			delete(n.byAddr, n.order[n.next])
			n.order[n.next] = addr
			n.next = (n.next + 1) % maxRecent
		}
	}
	n.byAddr[addr] = name
}

// of returns the name that was last looked up and has addr, or none.
func (n *recentNames) of(addr netip.Addr) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byAddr[addr]
}
