package message

import (
	"cmp"
	"errors"
	"fmt"
)

// Names of the messages about exit nodes.
const (
	MethodExitNodes           = "exitNodes"
	MethodSetExitNode         = "setExitNode"
	MethodSuggestExitNode     = "suggestExitNode"
	MethodSetExitNodeApproved = "setExitNodeApproved"

	EventExitNodeState = "exitNodeState"
)

// maxExitNodes is how many may be given in order of preference.
const maxExitNodes = 16

// Location is where a node says it is.
type Location struct {
	Country string `json:"country,omitempty"`
	City    string `json:"city,omitempty"`
}

// ExitNode is a node that may be used as an exit node.
type ExitNode struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Addresses []string  `json:"addresses"`
	Online    bool      `json:"online"`
	Selected  bool      `json:"selected"`
	Location  *Location `json:"location,omitempty"`
}

func (e ExitNode) check() error { return cmp.Or(notEmpty("id", e.ID), notEmpty("name", e.Name)) }

// ExitNodes is the result of exitNodes.
type ExitNodes struct {
	Nodes []ExitNode `json:"nodes"`
}

// SetExitNode chooses the exit node: the first of Nodes that can be used; none when there are none.
type SetExitNode struct {
	Nodes     []string `json:"nodes"`
	LANAccess bool     `json:"lanAccess"`
	// Insist has what is wanted stay so when none of it can be used: what is meant for it fails until one can.
	Insist bool `json:"insist,omitzero"`
}

func (s SetExitNode) check() error {
	if len(s.Nodes) > maxExitNodes {
		return fmt.Errorf("nodes: must be at most %d", maxExitNodes)
	}
	return noneEmpty("nodes", s.Nodes)
}

// ExitNodeResult is the result of setExitNode and suggestExitNode. No node is none.
type ExitNodeResult struct {
	Node *ExitNode `json:"node,omitempty"`
}

// ExitNodeState is what an exit node does.
type ExitNodeState string

const (
	ExitNodeIsUp   ExitNodeState = "up"
	ExitNodeIsDown ExitNodeState = "down"
	ExitNodeIsNone ExitNodeState = "none"
)

func (s ExitNodeState) check() error { return oneOf(s, ExitNodeIsUp, ExitNodeIsDown, ExitNodeIsNone) }

// ExitNodeEvent is the event exitNodeState. When it is down, Node is the one that was in force last.
type ExitNodeEvent struct {
	State  ExitNodeState `json:"state"`
	Node   *ExitNode     `json:"node,omitempty"`
	Reason string        `json:"reason,omitempty"`
}

// ExitNodeStatus is what status says of the exit node that is set.
type ExitNodeStatus struct {
	State     ExitNodeState `json:"state"`
	Node      *ExitNode     `json:"node,omitempty"`
	Wanted    []string      `json:"wanted"`
	LANAccess bool          `json:"lanAccess"`
	Reason    string        `json:"reason,omitempty"`
}

func (s ExitNodeStatus) check() error {
	if s.State == ExitNodeIsNone {
		return errors.New("state: must be up or down")
	}
	return nil
}

// ExitNodeRole is what a node of the lab is beside its forwards: an exit node, which the tailnet has approved or not.
type ExitNodeRole string

const (
	ExitNodeApproved   ExitNodeRole = "approved"
	ExitNodeUnapproved ExitNodeRole = "unapproved"
)

func (r ExitNodeRole) check() error { return oneOf(r, ExitNodeApproved, ExitNodeUnapproved) }

// SetExitNodeApproved approves an exit node of the lab, or takes that back.
type SetExitNodeApproved struct {
	Name     string `json:"name"`
	Approved bool   `json:"approved"`
}

func (s SetExitNodeApproved) check() error { return nodeName("name", s.Name) }
