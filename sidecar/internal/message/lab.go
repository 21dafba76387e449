package message

import (
	"cmp"
	"errors"
	"net/netip"
	"regexp"
	"time"
)

// Names of the requests of role lab.
const (
	MethodStartLab   = "startLab"
	MethodAddNode    = "addNode"
	MethodRemoveNode = "removeNode"
	MethodAddForward = "addForward"
	MethodAddRecord  = "addRecord"
)

// Delay is a delay in whole milliseconds, 0 to 10,000.
type Delay uint32

const maxDelay = 10_000

func (d Delay) check() error {
	if d > maxDelay {
		return errors.New("must be 0 to 10000 milliseconds")
	}
	return nil
}

// Duration returns d as Go counts time.
func (d Delay) Duration() time.Duration { return time.Duration(d) * time.Millisecond }

// StartLab starts the lab.
type StartLab struct {
	DelayMs Delay `json:"delayMs,omitzero"`
	Relayed bool  `json:"relayed,omitzero"`
	// AuthKey is the one key that nodes log in with; RequireAuth has them visit a URL instead.
	AuthKey         string `json:"authKey,omitempty"`
	RequireAuth     bool   `json:"requireAuth,omitzero"`
	RequireApproval bool   `json:"requireApproval,omitzero"`
}

// StartLabResult is the running lab.
type StartLabResult struct {
	ControlURL string    `json:"controlUrl"`
	Domain     string    `json:"domain"`
	Nodes      []LabNode `json:"nodes"`
}

func (s StartLabResult) check() error {
	return cmp.Or(notEmpty("controlUrl", s.ControlURL), notEmpty("domain", s.Domain))
}

// LabNode is a node of the lab. Name is fully qualified, without a trailing dot.
type LabNode struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
}

func (n LabNode) check() error {
	if len(n.Addresses) == 0 {
		return errors.New("addresses: must not be empty")
	}
	return notEmpty("name", n.Name)
}

// Forward makes a node's tailnet port forward to Target, an address and port on loopback.
type Forward struct {
	Port   Port   `json:"port"`
	Target string `json:"target"`
}

func (f Forward) check() error { return loopbackAddrPort("target", f.Target) }

// Port is a port that something listens on: 1 to 65535.
type Port uint16

func (p Port) check() error { return positive(uint64(p)) }

// AddNode adds a node to the lab.
type AddNode struct {
	Name     string       `json:"name"`
	Forwards []Forward    `json:"forwards,omitempty"`
	ExitNode ExitNodeRole `json:"exitNode,omitempty"`
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (a AddNode) check() error { return nodeName("name", a.Name) }

// RemoveNode kills a node of the lab without a goodbye. Offline has the control server say that it is gone.
type RemoveNode struct {
	Name    string `json:"name"`
	Offline bool   `json:"offline,omitzero"`
}

func (r RemoveNode) check() error { return nodeName("name", r.Name) }

// AddForward adds a forward to a running node.
type AddForward struct {
	Node   string `json:"node"`
	Port   Port   `json:"port"`
	Target string `json:"target"`
}

func (a AddForward) check() error {
	return cmp.Or(nodeName("node", a.Node), loopbackAddrPort("target", a.Target))
}

// AddRecord adds a DNS record: A or AAAA, as Address says.
type AddRecord struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

func (a AddRecord) check() error {
	if _, err := netip.ParseAddr(a.Address); err != nil {
		return errors.New("address: must be an IP address")
	}
	return notEmpty("name", a.Name)
}

func nodeName(field, value string) error {
	if !label.MatchString(value) {
		return errors.New(field + ": must be one DNS label: a-z, 0-9 and hyphens")
	}
	return nil
}

func loopbackAddrPort(field, value string) error {
	addr, err := netip.ParseAddrPort(value)
	if err != nil || !addr.Addr().IsLoopback() || addr.Port() == 0 {
		return errors.New(field + ": must be a loopback address and port such as 127.0.0.1:80 or [::1]:80")
	}
	return nil
}
