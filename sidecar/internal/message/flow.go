package message

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
)

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

const (
	NetworkTCP Network = "tcp"
	NetworkUDP Network = "udp"
)

func (n Network) check() error { return oneOf(n, NetworkTCP, NetworkUDP) }

// Origin is the way a flow came in.
type Origin string

const (
	OriginSocks   Origin = "socks"
	OriginPreload Origin = "preload"
	OriginExport  Origin = "export"
)

func (o Origin) check() error { return oneOf(o, OriginSocks, OriginPreload, OriginExport) }

// Direction is outbound for a flow from a program to the tailnet, inbound for one from the tailnet to an export.
type Direction string

const (
	DirectionOutbound Direction = "outbound"
	DirectionInbound  Direction = "inbound"
)

func (d Direction) check() error { return oneOf(d, DirectionOutbound, DirectionInbound) }

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
	switch {
	case c.Network != NetworkTCP:
		return fmt.Errorf("network: must be %q", NetworkTCP)
	case c.Port == 0:
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

// WatchFlows asks for the events of flows, or for no more of them. They are two for each connection, and reading them would
// cost a busy session more than its data does.
type WatchFlows struct {
	Watch bool `json:"watch"`
}

// FlowOpened is an event. Name is the name the program asked for, Peer the peer's name, PID the
// process that dialled, when it came by the dial socket, Export what an inbound one came to.
type FlowOpened struct {
	Flow        ID        `json:"flow"`
	Direction   Direction `json:"direction"`
	Run         string    `json:"run,omitempty"`
	Network     Network   `json:"network"`
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Name        string    `json:"name,omitempty"`
	Peer        string    `json:"peer,omitempty"`
	PID         Limit     `json:"pid,omitzero"`
	Export      ID        `json:"export,omitzero"`
	Route       Route     `json:"route"`
	DialMs      Millis    `json:"dialMs"`
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

// Ask is a request from the sidecar: may this flow be made? PID is as in [FlowOpened]. An inbound one has the export it
// came to, and the peer's user or tags.
type Ask struct {
	Origin      Origin    `json:"origin"`
	Direction   Direction `json:"direction"`
	Network     Network   `json:"network"`
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Export      ID        `json:"export,omitzero"`
	Name        string    `json:"name,omitempty"`
	Peer        string    `json:"peer,omitempty"`
	User        string    `json:"user,omitempty"`
	Tags        []string  `json:"tags,omitempty"`
	Run         string    `json:"run,omitempty"`
	PID         Limit     `json:"pid,omitzero"`
}

func (a Ask) check() error {
	inbound := a.Direction == DirectionInbound
	switch {
	case inbound != (a.Origin == OriginExport):
		return errors.New("origin: must be export for an inbound flow, and for no other")
	case inbound != (a.Export != 0):
		return errors.New("export: must be there for an inbound flow, and for no other")
	case inbound && (a.Name != "" || a.PID != 0):
		return errors.New("name, pid: must not be there for an inbound flow")
	case !inbound && (a.User != "" || a.Tags != nil):
		return errors.New("user, tags: must not be there for an outbound flow")
	}
	return cmp.Or(addrPort("source", a.Source), addrPort("destination", a.Destination), noneEmpty("tags", a.Tags))
}

// AskResult is the verdict.
type AskResult struct {
	Allow  bool   `json:"allow"`
	Reason string `json:"reason,omitempty"`
}
