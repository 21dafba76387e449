package message

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
)

// Names of the requests of role node.
const (
	MethodStart            = "start"
	MethodStatus           = "status"
	MethodListenSocks      = "listenSocks"
	MethodServeDials       = "serveDials"
	MethodWatchFlows       = "watchFlows"
	MethodClientDial       = "clientDial"
	MethodRegister         = "register"
	MethodUnregister       = "unregister"
	MethodResolve          = "resolve"
	MethodFileCapabilities = "fileCapabilities"
	MethodPeers            = "peers"

	// MethodAsk is the one request the sidecar makes.
	MethodAsk = "ask"
)

// Names of the events of role node. The first two come from Node.
const (
	EventClientWrite = "clientWrite"
	EventClientClose = "clientClose"

	EventClient     = "client"
	EventClientGone = "clientGone"
	EventState      = "state"
	EventAuthURL    = "authUrl"
	EventFlowOpened = "flowOpened"
	EventFlowClosed = "flowClosed"
)

// State is what the node is doing.
type State string

const (
	StateStarting      State = "starting"
	StateNeedsLogin    State = "needs-login"
	StateNeedsApproval State = "needs-approval"
	StateRunning       State = "running"
	StateStopped       State = "stopped"
)

func (s State) check() error {
	return oneOf(s, StateStarting, StateNeedsLogin, StateNeedsApproval, StateRunning, StateStopped)
}

// RecordType is a kind of name lookup.
type RecordType string

const (
	RecordA    RecordType = "A"
	RecordAAAA RecordType = "AAAA"
	RecordPTR  RecordType = "PTR"
)

func (t RecordType) check() error { return oneOf(t, RecordA, RecordAAAA, RecordPTR) }

// Start brings the node up. AuthKey is a secret: it stays out of logs and errors.
type Start struct {
	Hostname      string   `json:"hostname"`
	StateDir      string   `json:"stateDir"`
	AuthKey       string   `json:"authKey,omitempty"`
	ControlURL    string   `json:"controlUrl,omitempty"`
	Ephemeral     bool     `json:"ephemeral"`
	Tags          []string `json:"tags,omitempty"`
	Lab           bool     `json:"lab,omitzero"`
	TailscaleLogs bool     `json:"tailscaleLogs,omitzero"`
	// LoginTimeoutMs is how long login and approval may take; 0 is for ever.
	LoginTimeoutMs Timeout `json:"loginTimeoutMs,omitzero"`
}

func (s Start) check() error {
	return cmp.Or(notEmpty("hostname", s.Hostname), notEmpty("stateDir", s.StateDir))
}

// Node is this node on its tailnet. Names have no trailing dot.
type Node struct {
	ID             string   `json:"id"`
	Hostname       string   `json:"hostname"`
	Name           string   `json:"name"`
	Addresses      []string `json:"addresses"`
	Tailnet        string   `json:"tailnet"`
	MagicDNSSuffix string   `json:"magicDnsSuffix"`
	User           string   `json:"user,omitempty"`
}

func (n Node) check() error {
	if len(n.Addresses) == 0 {
		return errors.New("addresses: must not be empty")
	}
	return cmp.Or(notEmpty("id", n.ID), notEmpty("hostname", n.Hostname), notEmpty("name", n.Name))
}

// Peer is another node of the tailnet.
type Peer struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	Addresses      []string `json:"addresses"`
	Online         bool     `json:"online"`
	User           string   `json:"user,omitempty"`
	Tags           []string `json:"tags,omitempty"`
	ExitNodeOption bool     `json:"exitNodeOption"`
}

func (p Peer) check() error { return cmp.Or(notEmpty("id", p.ID), notEmpty("name", p.Name)) }

// Status is the result of status. Peers counts the netmap's, Flows the open ones, Opened all since
// the start; the bytes are those of all flows.
type Status struct {
	State State `json:"state"`
	Node  *Node `json:"node,omitempty"`
	// ExitNode is nil when none is set.
	ExitNode    *ExitNodeStatus `json:"exitNode,omitempty"`
	Peers       uint64          `json:"peers"`
	Negotiating uint64          `json:"negotiating"`
	Flows       uint64          `json:"flows"`
	Opened      uint64          `json:"opened"`
	BytesUp     uint64          `json:"bytesUp"`
	BytesDown   uint64          `json:"bytesDown"`
	// Runs are those that are registered.
	Runs []RunStatus `json:"runs"`
	// KeyExpiry is as RFC 3339 writes times.
	KeyExpiry string `json:"keyExpiry,omitempty"`
	// Health is what Tailscale warns of.
	Health     []string `json:"health"`
	ControlURL string   `json:"controlUrl,omitempty"`
	// Relay is the name of the node's own DERP region.
	Relay string `json:"relay,omitempty"`
}

// UDPPolicy says what becomes of a program's datagrams: they are carried as connections are, refused, or
// left to the host's network, where those for the tailnet are refused.
type UDPPolicy string

const (
	UDPProxy  UDPPolicy = "proxy"
	UDPBlock  UDPPolicy = "block"
	UDPDirect UDPPolicy = "direct"
)

func (u UDPPolicy) check() error { return oneOf(u, UDPProxy, UDPBlock, UDPDirect) }

// Policy is the static policy of a run.
type Policy struct {
	OnlyTailnet bool      `json:"onlyTailnet"`
	Bypass      []string  `json:"bypass"`
	Ask         bool      `json:"ask"`
	UDP         UDPPolicy `json:"udp"`
}

// Lengths in bytes.
const (
	maxRun   = 64
	minToken = 32
	maxToken = 128
)

// Register announces a run. Token is a secret. Control is the path of its control socket (docs/control-protocol.md).
type Register struct {
	Run     string `json:"run"`
	Token   string `json:"token"`
	Policy  Policy `json:"policy"`
	Control string `json:"control,omitempty"`
}

func (r Register) check() error {
	if r.Control != "" {
		if err := socketPath("control", r.Control); err != nil {
			return err
		}
	}
	return cmp.Or(length("run", r.Run, 1, maxRun), length("token", r.Token, minToken, maxToken))
}

// Unregister ends a run and resets its flows.
type Unregister struct {
	Run string `json:"run"`
}

func (u Unregister) check() error { return length("run", u.Run, 1, maxRun) }

// Resolve looks a name up. For PTR, Name is the address.
type Resolve struct {
	Name  string       `json:"name"`
	Types []RecordType `json:"types"`
	Run   string       `json:"run,omitempty"`
}

func (r Resolve) check() error {
	if len(r.Types) == 0 {
		return errors.New("types: must not be empty")
	}
	return notEmpty("name", r.Name)
}

// ResolveResult has no addresses and no names when there is no such name.
type ResolveResult struct {
	Addresses     []string `json:"addresses"`
	Names         []string `json:"names"`
	CanonicalName string   `json:"canonicalName,omitempty"`
}

// FileCapabilities asks about an executable.
type FileCapabilities struct {
	Path string `json:"path"`
}

func (f FileCapabilities) check() error { return notEmpty("path", f.Path) }

// FileCapabilitiesResult says whether it carries security.capability.
type FileCapabilitiesResult struct {
	Present bool `json:"present"`
}

// Peers is the result of peers.
type Peers struct {
	Peers []PeerStatus `json:"peers"`
}

// StateEvent is the event state.
type StateEvent struct {
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// AuthURL is an event: open URL to log in.
type AuthURL struct {
	URL string `json:"url"`
}

func (a AuthURL) check() error { return notEmpty("url", a.URL) }

func notEmpty(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s: must not be empty", field)
	}
	return nil
}

func length(field, value string, shortest, longest int) error {
	if len(value) < shortest || len(value) > longest {
		return fmt.Errorf("%s: must be %d to %d bytes long", field, shortest, longest)
	}
	return nil
}

func addrPort(field, value string) error {
	if _, err := netip.ParseAddrPort(value); err != nil {
		return fmt.Errorf("%s: must be an address and port such as 127.0.0.1:80 or [::1]:80", field)
	}
	return nil
}
