package lab

import (
	"strings"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// CompleteAuth logs the node in that was told to visit url. It reports whether one waited for that.
func (l *Lab) CompleteAuth(url string) bool { return l.control.registrar.visit(url) }

// Approve lets a machine in that waits for it, by its name with or without the domain. One that is in stays so.
func (l *Lab) Approve(name string) error {
	label := strings.TrimSuffix(strings.ToLower(strings.TrimSuffix(name, ".")), "."+Domain)
	found := false
	for _, node := range l.control.server.AllNodes() {
		if first, _, _ := strings.Cut(node.Name, "."); strings.EqualFold(first, label) {
			found = true
			l.control.approve(node)
		}
	}
	if !found {
		return message.Errorf(message.NoSuchHost, "no node %s has come to the lab", name)
	}
	return nil
}

func (c *control) approve(node *tailcfg.Node) {
	if node == nil || node.MachineAuthorized {
		return
	}
	node.MachineAuthorized = true
	c.server.UpdateNode(node)
}

// ExpireKeys makes the keys of all nodes but the lab's own expired, or valid again. A node that logs in anew has another key.
func (l *Lab) ExpireKeys(expired bool) {
	l.mu.Lock()
	own := map[key.NodePublic]bool{}
	for _, n := range l.nodes {
		own[n.key] = true
	}
	l.mu.Unlock()
	for _, node := range l.control.server.AllNodes() {
		if !own[node.Key] {
			l.control.registrar.expire(node, expired)
		}
	}
}
