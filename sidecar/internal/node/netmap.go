package node

import (
	"net/netip"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/netmap"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// Self is this node in the netmap.
type Self struct {
	ID             tailcfg.StableNodeID
	Name           string
	Addresses      []netip.Addr
	Tailnet        string
	MagicDNSSuffix string
	User           string
	Tags           []string
	// Services are the addresses of the Tailscale Services that this node may host, by their names (svc:web).
	Services map[string][]netip.Addr

	users map[tailcfg.UserID]string
	key   key.NodePublic
	// expiry is zero for a key that stays good.
	expiry time.Time
}

// Hostname returns the first label of the node's name.
func (s *Self) Hostname() string {
	host, _, _ := cutDot(s.Name)
	return host
}

// applyNotify takes over what a message of the IPN bus says about the netmap. It runs in one goroutine.
func (n *Node) applyNotify(notify *ipn.Notify) {
	defer n.exits.Look()
	if n.options.OnRouting != nil {
		defer n.options.OnRouting()
	}
	if notify.NetMap != nil {
		n.applyNetMap(notify.NetMap)
		n.syncedOnce.Do(func() { close(n.synced) })
		return
	}
	self := n.self.Load()
	if self == nil {
		return
	}
	if len(notify.UserProfiles) > 0 || notify.SelfChange != nil {
		next := *self
		if notify.SelfChange != nil {
			next.update(notify.SelfChange)
			n.dns.forget()
		}
		next.users = mergeUsers(self.users, notify.UserProfiles)
		n.setSelf(&next)
		self = &next
	}
	changed := make([]*peers.Peer, 0, len(notify.PeersChanged))
	for _, node := range notify.PeersChanged {
		changed = append(changed, peers.FromNode(node, self.users))
	}
	// A change of this node itself comes with all its peers.
	if notify.SelfChange != nil && len(changed) > 0 {
		n.peers.Replace(changed)
		return
	}
	n.peers.Update(changed, notify.PeersRemoved)
}

func (n *Node) applyNetMap(nm *netmap.NetworkMap) {
	self := &Self{
		Tailnet:        nm.Domain,
		MagicDNSSuffix: peers.CanonicalName(nm.MagicDNSSuffix()),
		users:          mergeUsers(nil, nm.UserProfiles),
	}
	if nm.SelfNode.Valid() {
		self.update(nm.SelfNode.AsStruct())
	}
	n.setSelf(self)
	all := make([]*peers.Peer, 0, len(nm.Peers))
	for _, node := range nm.Peers {
		all = append(all, peers.FromNode(node.AsStruct(), self.users))
	}
	n.peers.Replace(all)
	n.dns.forget()
}

func (s *Self) update(node *tailcfg.Node) {
	s.ID = node.StableID
	s.key, s.expiry = node.Key, node.KeyExpiry
	s.Name = peers.CanonicalName(node.Name)
	s.Tags = node.Tags
	s.Addresses = nil
	for _, prefix := range node.Addresses {
		s.Addresses = append(s.Addresses, prefix.Addr())
	}
	if len(node.Tags) == 0 {
		s.User = s.users[node.User]
	}
	s.Services = servicesOf(node)
}

// setSelf gives the stack the node's addresses. They are valid ones: the control server gave them.
func (n *Node) setSelf(self *Self) {
	if stack := n.stack.Load(); stack != nil {
		if err := stack.SetAddresses(self.Addresses, self.serviceAddresses()...); err != nil && n.options.Logf != nil {
			n.options.Logf("tailproxy: %v", err)
		}
	}
	n.self.Store(self)
	n.changes.look()
}

func mergeUsers(known map[tailcfg.UserID]string, more map[tailcfg.UserID]tailcfg.UserProfileView) map[tailcfg.UserID]string {
	if len(more) == 0 {
		return known
	}
	merged := make(map[tailcfg.UserID]string, len(known)+len(more))
	for id, name := range known {
		merged[id] = name
	}
	for id, profile := range more {
		merged[id] = profile.LoginName()
	}
	return merged
}
