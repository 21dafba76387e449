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

// Route says which way a flow leaves.
type Route string

const (
	RouteTailnet Route = "tailnet"
	RouteExit    Route = "exit"
	RouteDirect  Route = "direct"
)

func (r Route) check() error { return oneOf(r, RouteTailnet, RouteExit, RouteDirect) }

// GoneReason says why a negotiating client is gone.
type GoneReason string

const (
	GoneClosed   GoneReason = "closed"
	GoneTimedOut GoneReason = "timed-out"
	GoneTooLarge GoneReason = "too-large"
	GoneFailed   GoneReason = "failed"
)

func (r GoneReason) check() error {
	return oneOf(r, GoneClosed, GoneTimedOut, GoneTooLarge, GoneFailed)
}

// Network is the transport of a flow.
type Network string

const NetworkTCP Network = "tcp"

func (n Network) check() error { return oneOf(n, NetworkTCP) }

// RecordType is a kind of name lookup.
type RecordType string

const (
	RecordA    RecordType = "A"
	RecordAAAA RecordType = "AAAA"
	RecordPTR  RecordType = "PTR"
)

func (t RecordType) check() error { return oneOf(t, RecordA, RecordAAAA, RecordPTR) }

// Origin is the way a flow came in.
type Origin string

const OriginSocks Origin = "socks"

func (o Origin) check() error { return oneOf(o, OriginSocks) }

// Direction is outbound for a flow from a program to the tailnet.
type Direction string

const DirectionOutbound Direction = "outbound"

func (d Direction) check() error { return oneOf(d, DirectionOutbound) }

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
	State       State  `json:"state"`
	Node        *Node  `json:"node,omitempty"`
	Peers       uint64 `json:"peers"`
	Negotiating uint64 `json:"negotiating"`
	Flows       uint64 `json:"flows"`
	Opened      uint64 `json:"opened"`
	BytesUp     uint64 `json:"bytesUp"`
	BytesDown   uint64 `json:"bytesDown"`
}

// maxCap is the most clients a listener may have negotiating.
const maxCap = 65_535

// ListenSocks opens a SOCKS5 listener. Host is a loopback literal, port 0 lets the kernel choose.
type ListenSocks struct {
	Host        string  `json:"host"`
	Port        uint16  `json:"port"`
	Cap         Limit   `json:"cap"`
	HandshakeMs Timeout `json:"handshakeMs"`
}

func (l ListenSocks) check() error {
	addr, err := netip.ParseAddr(l.Host)
	if err != nil || !addr.IsLoopback() || addr.Zone() != "" {
		return errors.New("host: must be a loopback address such as 127.0.0.1 or ::1")
	}
	switch {
	case l.Cap > maxCap:
		return fmt.Errorf("cap: must be 1 to %d", maxCap)
	case l.HandshakeMs == 0:
		return errors.New("handshakeMs: must be positive")
	}
	return nil
}

// ListenSocksResult is where the listener listens.
type ListenSocksResult struct {
	Address string `json:"address"`
}

func (l ListenSocksResult) check() error { return addrPort("address", l.Address) }

// ClientDial asks for the dial and splice of a negotiated client.
type ClientDial struct {
	Client     ID      `json:"client"`
	Run        string  `json:"run,omitempty"`
	Network    Network `json:"network"`
	Host       string  `json:"host"`
	Port       uint16  `json:"port"`
	DeadlineMs Timeout `json:"deadlineMs"`
	OnSuccess  []byte  `json:"onSuccess"`
	Leftover   []byte  `json:"leftover,omitempty"`
}

func (c ClientDial) check() error {
	if c.Port == 0 {
		return errors.New("port: must be 1 to 65535")
	}
	return notEmpty("host", c.Host)
}

// ClientDialResult describes the flow a client became. Peer is the peer's name.
type ClientDialResult struct {
	Flow  ID     `json:"flow"`
	Bound string `json:"bound"`
	Peer  string `json:"peer,omitempty"`
	Route Route  `json:"route"`
}

func (c ClientDialResult) check() error { return addrPort("bound", c.Bound) }

// Policy is the static policy of a run.
type Policy struct {
	OnlyTailnet bool     `json:"onlyTailnet"`
	Bypass      []string `json:"bypass"`
	Ask         bool     `json:"ask"`
}

// Lengths in bytes.
const (
	maxRun   = 64
	minToken = 32
	maxToken = 128
)

// Register announces a run. Token is a secret.
type Register struct {
	Run    string `json:"run"`
	Token  string `json:"token"`
	Policy Policy `json:"policy"`
}

func (r Register) check() error {
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
	Peers []Peer `json:"peers"`
}

// ClientWrite is an event from Node: bytes for a negotiating client, then it is read on.
type ClientWrite struct {
	Client ID     `json:"client"`
	Bytes  []byte `json:"bytes"`
}

// ClientClose is an event from Node: last words, then both directions close.
type ClientClose struct {
	Client ID     `json:"client"`
	Bytes  []byte `json:"bytes,omitempty"`
}

// Client is an event: handshake bytes. Source comes with the first.
type Client struct {
	Client ID     `json:"client"`
	Bytes  []byte `json:"bytes"`
	Source string `json:"source,omitempty"`
}

func (c Client) check() error {
	if c.Source == "" {
		return nil
	}
	return addrPort("source", c.Source)
}

// ClientGone is an event: the client is gone without Node having closed it.
type ClientGone struct {
	Client ID         `json:"client"`
	Reason GoneReason `json:"reason"`
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

// FlowOpened is an event. Name is the name the program asked for, Peer the peer's name.
type FlowOpened struct {
	Flow        ID      `json:"flow"`
	Run         string  `json:"run,omitempty"`
	Network     Network `json:"network"`
	Source      string  `json:"source"`
	Destination string  `json:"destination"`
	Name        string  `json:"name,omitempty"`
	Peer        string  `json:"peer,omitempty"`
	Route       Route   `json:"route"`
	DialMs      Millis  `json:"dialMs"`
}

func (f FlowOpened) check() error {
	return cmp.Or(addrPort("source", f.Source), addrPort("destination", f.Destination))
}

// FlowClosed is an event. BytesUp is from the program to the tailnet.
type FlowClosed struct {
	Flow       ID     `json:"flow"`
	BytesUp    uint64 `json:"bytesUp"`
	BytesDown  uint64 `json:"bytesDown"`
	DurationMs Millis `json:"durationMs"`
	Error      *Error `json:"error,omitempty"`
}

// Ask is a request from the sidecar: may this flow be made?
type Ask struct {
	Origin      Origin    `json:"origin"`
	Direction   Direction `json:"direction"`
	Network     Network   `json:"network"`
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Name        string    `json:"name,omitempty"`
	Peer        string    `json:"peer,omitempty"`
	Run         string    `json:"run,omitempty"`
}

func (a Ask) check() error {
	return cmp.Or(addrPort("source", a.Source), addrPort("destination", a.Destination))
}

// AskResult is the verdict.
type AskResult struct {
	Allow  bool   `json:"allow"`
	Reason string `json:"reason,omitempty"`
}

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
