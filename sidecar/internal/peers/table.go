package peers

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"tailscale.com/tailcfg"
)

// Table is the peers of the current netmap. Its methods may be called at any time from anywhere.
type Table struct {
	mu     sync.RWMutex
	byID   map[tailcfg.NodeID]*Peer
	byAddr map[netip.Addr]*Peer
	byName map[string][]*Peer
	routes []subnet // longest prefix first
}

type subnet struct {
	prefix netip.Prefix
	peer   *Peer
}

// Replace makes all the peers those of all.
func (t *Table) Replace(all []*Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID = make(map[tailcfg.NodeID]*Peer, len(all))
	t.byAddr = make(map[netip.Addr]*Peer, 2*len(all))
	t.byName = make(map[string][]*Peer, len(all))
	t.routes = nil
	for _, p := range all {
		t.addLocked(p)
	}
	t.sortLocked()
}

// Update adds peers, or puts them in the place of those with the same ids, and then removes some.
func (t *Table) Update(changed []*Peer, removed []tailcfg.NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range changed {
		t.removeLocked(p.ID)
	}
	for _, p := range changed {
		t.addLocked(p)
	}
	for _, id := range removed {
		t.removeLocked(id)
	}
	t.sortLocked()
}

func (t *Table) addLocked(p *Peer) {
	if t.byID == nil {
		t.byID = map[tailcfg.NodeID]*Peer{}
		t.byAddr = map[netip.Addr]*Peer{}
		t.byName = map[string][]*Peer{}
	}
	t.byID[p.ID] = p
	for _, addr := range p.Addresses {
		t.byAddr[addr] = p
	}
	if p.Name != "" {
		t.byName[p.Name] = append(t.byName[p.Name], p)
	}
	for _, prefix := range p.Routes {
		t.routes = append(t.routes, subnet{prefix, p})
	}
}

func (t *Table) removeLocked(id tailcfg.NodeID) {
	p, ok := t.byID[id]
	if !ok {
		return
	}
	delete(t.byID, id)
	for _, addr := range p.Addresses {
		if t.byAddr[addr] == p {
			delete(t.byAddr, addr)
		}
	}
	same := slices.DeleteFunc(t.byName[p.Name], func(q *Peer) bool { return q == p })
	if len(same) == 0 {
		delete(t.byName, p.Name)
	} else {
		t.byName[p.Name] = same
	}
	if len(p.Routes) > 0 {
		t.routes = slices.DeleteFunc(t.routes, func(s subnet) bool { return s.peer == p })
	}
}

// sortLocked puts longer prefixes first and, of equal ones, those of nodes that are online.
func (t *Table) sortLocked() {
	slices.SortStableFunc(t.routes, func(a, b subnet) int {
		if n := cmp.Compare(b.prefix.Bits(), a.prefix.Bits()); n != 0 {
			return n
		}
		return boolCompare(b.peer.Online, a.peer.Online)
	})
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// Len returns how many peers there are.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byID)
}

// All returns every peer, ordered by name.
func (t *Table) All() []*Peer {
	t.mu.RLock()
	all := make([]*Peer, 0, len(t.byID))
	for _, p := range t.byID {
		all = append(all, p)
	}
	t.mu.RUnlock()
	slices.SortFunc(all, func(a, b *Peer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// ByID returns the peer with a stable id.
func (t *Table) ByID(id tailcfg.StableNodeID) (*Peer, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, p := range t.byID {
		if p.StableID == id {
			return p, true
		}
	}
	return nil, false
}

// ByAddress returns the peer that has addr as its own.
func (t *Table) ByAddress(addr netip.Addr) (*Peer, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	p, ok := t.byAddr[addr]
	return p, ok
}

// BySubnet returns the peer that routes the smallest subnet with addr in it. Exit nodes' routes do not count.
func (t *Table) BySubnet(addr netip.Addr) (*Peer, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, s := range t.routes {
		if s.prefix.Contains(addr) {
			return s.peer, true
		}
	}
	return nil, false
}

// Routes returns every subnet that a peer routes, once.
func (t *Table) Routes() []netip.Prefix {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var prefixes []netip.Prefix
	known := make(map[netip.Prefix]struct{}, len(t.routes))
	for _, s := range t.routes {
		if _, ok := known[s.prefix]; !ok {
			known[s.prefix] = struct{}{}
			prefixes = append(prefixes, s.prefix)
		}
	}
	return prefixes
}

// ByName returns the peer with a fully qualified name. When a node was replaced by another of the same name
// both are here for a while: the one that is online is meant, and of two the newer.
func (t *Table) ByName(name string) (*Peer, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	same := t.byName[CanonicalName(name)]
	if len(same) == 0 {
		return nil, false
	}
	return slices.MaxFunc(same, func(a, b *Peer) int {
		return cmp.Or(
			boolCompare(a.Online, b.Online),
			a.Created.Compare(b.Created),
			cmp.Compare(a.ID, b.ID),
		)
	}), true
}
