package exitnode

import (
	"context"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// List returns the nodes that may be used as exit nodes, ordered by name.
func (m *Manager) List() ([]message.ExitNode, error) {
	if err := m.tailnet.Running(); err != nil {
		return nil, err
	}
	nodes := []message.ExitNode{}
	for _, peer := range m.tailnet.Peers().All() {
		if peer.ExitNodeOption {
			nodes = append(nodes, m.Describe(peer))
		}
	}
	return nodes, nil
}

// Suggest returns the exit node that auto would choose: Tailscale's suggestion, or the nearest; nil when there is none.
func (m *Manager) Suggest(ctx context.Context) (*peers.Peer, error) {
	if err := m.tailnet.Running(); err != nil {
		return nil, err
	}
	if peer := suggestion(ctx, m.tailnet); peer != nil {
		return peer, nil
	}
	all := candidatesOf(ctx, m.tailnet, []string{Auto})
	if i := pick(ctx, m.tailnet, all, setting); i >= 0 {
		return all[i].peer, nil
	}
	return nil, nil
}

// Status says what is set; nil is no exit node.
func (m *Manager) Status() *message.ExitNodeStatus {
	state := m.Current()
	if state == nil {
		return nil
	}
	status := &message.ExitNodeStatus{
		State: message.ExitNodeIsDown, Wanted: state.Wanted, LANAccess: state.LANAccess, Reason: state.Reason,
	}
	switch {
	case state.Up():
		status.State = message.ExitNodeIsUp
	case state.Lease != nil:
		status.Reason = "it is being verified"
	}
	status.Node = m.describeLast(state)
	return status
}

// Describe returns a peer as the channel has exit nodes, as it is now.
func (m *Manager) Describe(peer *peers.Peer) message.ExitNode {
	described := message.ExitNode{ID: string(peer.StableID), Name: peer.Name, Addresses: []string{}}
	if now, ok := m.tailnet.Peers().ByID(peer.StableID); ok {
		described.Online = now.Online
	}
	for _, addr := range peer.Addresses {
		described.Addresses = append(described.Addresses, addr.String())
	}
	if state := m.Current(); state != nil && state.Peer != nil {
		described.Selected = state.Peer.StableID == peer.StableID
	}
	if peer.Country != "" || peer.City != "" {
		described.Location = &message.Location{Country: peer.Country, City: peer.City}
	}
	return described
}

// EventOf returns what the channel tells of a change.
func (m *Manager) EventOf(state *State) message.ExitNodeEvent {
	if state == nil {
		return message.ExitNodeEvent{State: message.ExitNodeIsNone}
	}
	event := message.ExitNodeEvent{State: message.ExitNodeIsDown, Reason: state.Reason}
	if state.Up() {
		event.State = message.ExitNodeIsUp
	}
	event.Node = m.describeLast(state)
	return event
}

func (m *Manager) describeLast(state *State) *message.ExitNode {
	if state.Peer == nil {
		return nil
	}
	described := m.Describe(state.Peer)
	return &described
}
