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
)

func (o Origin) check() error { return oneOf(o, OriginSocks, OriginPreload) }

// Direction is outbound for a flow from a program to the tailnet.
type Direction string

const DirectionOutbound Direction = "outbound"

func (d Direction) check() error { return oneOf(d, DirectionOutbound) }

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
// process that dialled, when it came by the dial socket.
type FlowOpened struct {
	Flow        ID      `json:"flow"`
	Run         string  `json:"run,omitempty"`
	Network     Network `json:"network"`
	Source      string  `json:"source"`
	Destination string  `json:"destination"`
	Name        string  `json:"name,omitempty"`
	Peer        string  `json:"peer,omitempty"`
	PID         Limit   `json:"pid,omitzero"`
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

// Ask is a request from the sidecar: may this flow be made? PID is as in [FlowOpened].
type Ask struct {
	Origin      Origin    `json:"origin"`
	Direction   Direction `json:"direction"`
	Network     Network   `json:"network"`
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Name        string    `json:"name,omitempty"`
	Peer        string    `json:"peer,omitempty"`
	Run         string    `json:"run,omitempty"`
	PID         Limit     `json:"pid,omitzero"`
}

func (a Ask) check() error {
	return cmp.Or(addrPort("source", a.Source), addrPort("destination", a.Destination))
}

// AskResult is the verdict.
type AskResult struct {
	Allow  bool   `json:"allow"`
	Reason string `json:"reason,omitempty"`
}
