package message

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Names of the messages about exports.
const (
	MethodExport    = "export"
	MethodRetarget  = "retarget"
	MethodUnexport  = "unexport"
	MethodExports   = "exports"
	MethodListening = "listening"
	MethodWhois     = "whois"

	EventExportState = "exportState"
)

// maxConnections is the most an export may have at once.
const maxConnections = 65_535

// Allow says which peers an export lets in: those with one of the users' login names or one of the tags. Both empty is
// everybody.
type Allow struct {
	Users []string `json:"users"`
	Tags  []string `json:"tags"`
}

// A peer may have no user: an empty name must not be one of those it is compared with.
func (a Allow) check() error {
	return cmp.Or(noneEmpty("users", a.Users), noneEmpty("tags", a.Tags))
}

// Export serves targets on this host at a port of the node. No network is TCP.
type Export struct {
	Run            string   `json:"run,omitempty"`
	Network        Network  `json:"network,omitempty"`
	Port           Port     `json:"port"`
	Targets        []string `json:"targets"`
	Allow          Allow    `json:"allow"`
	Ask            bool     `json:"ask"`
	ProxyProtocol  bool     `json:"proxyProtocol"`
	ShowPeers      bool     `json:"showPeers"`
	MaxConnections Limit    `json:"maxConnections"`
	Service        string   `json:"service,omitempty"`
}

func (e Export) check() error {
	if e.MaxConnections > maxConnections {
		return fmt.Errorf("maxConnections: must be 1 to %d", maxConnections)
	}
	return cmp.Or(checkTargets(e.Targets), checkService(e.Service))
}

// ExportResult says where the tailnet reaches an export.
type ExportResult struct {
	Export    ID       `json:"export"`
	Addresses []string `json:"addresses"`
}

func (e ExportResult) check() error {
	if len(e.Addresses) == 0 {
		return errors.New("addresses: must not be empty")
	}
	return nil
}

// Retarget sends an export's connections elsewhere from now on.
type Retarget struct {
	Export  ID       `json:"export"`
	Targets []string `json:"targets"`
}

func (r Retarget) check() error { return checkTargets(r.Targets) }

// Unexport ends an export. Drain leaves its connections alone.
type Unexport struct {
	Export ID   `json:"export"`
	Drain  bool `json:"drain"`
}

// ExportState is an event: how an export does. Error is why the last connection could not be forwarded. Dropped are datagrams of peers
// who are let in, and of those about whom nothing was decided yet.
type ExportState struct {
	Export      ID     `json:"export"`
	Connections uint64 `json:"connections"`
	Accepted    uint64 `json:"accepted"`
	Refused     uint64 `json:"refused"`
	BytesUp     uint64 `json:"bytesUp"`
	BytesDown   uint64 `json:"bytesDown"`
	Dropped     uint64 `json:"dropped,omitzero"`
	Error       *Error `json:"error,omitempty"`
}

// Exported is an export there is, and how it does.
type Exported struct {
	Export      ID       `json:"export"`
	Connections uint64   `json:"connections"`
	Accepted    uint64   `json:"accepted"`
	Refused     uint64   `json:"refused"`
	BytesUp     uint64   `json:"bytesUp"`
	BytesDown   uint64   `json:"bytesDown"`
	Dropped     uint64   `json:"dropped,omitzero"`
	Error       *Error   `json:"error,omitempty"`
	Run         string   `json:"run,omitempty"`
	Network     Network  `json:"network"`
	Port        Port     `json:"port"`
	Targets     []string `json:"targets"`
	Service     string   `json:"service,omitempty"`
}

func (e Exported) check() error {
	return cmp.Or(checkTargets(e.Targets), checkService(e.Service))
}

// Exports is the result of exports.
type Exports struct {
	Exports []Exported `json:"exports"`
}

// Listening asks which of some sockets listen.
type Listening struct {
	Sockets []ListeningSocket `json:"sockets"`
}

// ListeningSocket is a socket by the address it is bound to and its SO_COOKIE. No network is TCP.
type ListeningSocket struct {
	Network Network `json:"network,omitempty"`
	Address string  `json:"address"`
	Cookie  Cookie  `json:"cookie"`
}

func (s ListeningSocket) check() error { return addrPort("address", s.Address) }

// ListeningResult answers for each socket that was asked about.
type ListeningResult struct {
	Listening []bool `json:"listening"`
}

// Cookie is an SO_COOKIE in decimal: it has more bits than a number of JSON carries.
type Cookie string

func (c Cookie) check() error {
	if c.Value() == 0 || c[0] == '0' || c[0] == '+' {
		return errors.New("must be 1 to 18446744073709551615 in decimal, as a string")
	}
	return nil
}

// Value returns the number; 0 for what is none.
func (c Cookie) Value() uint64 {
	value, err := strconv.ParseUint(string(c), 10, 64)
	if err != nil {
		return 0
	}
	return value
}

// Whois asks who has an address of the tailnet.
type Whois struct {
	Address string `json:"address"`
}

func (w Whois) check() error {
	if _, err := netip.ParseAddr(w.Address); err != nil {
		return errors.New("address: must be an IP address")
	}
	return nil
}

// WhoisResult has no peer when nobody has the address.
type WhoisResult struct {
	Peer *Peer `json:"peer,omitempty"`
}

// maxTargets is one of each family.
const maxTargets = 2

func checkTargets(targets []string) error {
	if len(targets) == 0 || len(targets) > maxTargets {
		return errors.New("targets: must be one address, or one of each family")
	}
	var families [maxTargets]bool
	for i, target := range targets {
		address, err := netip.ParseAddrPort(target)
		if err != nil || address.Port() == 0 || address.Addr().IsUnspecified() || address.Addr().IsMulticast() {
			return fmt.Errorf("targets.%d: must be an address of this host and a port such as 127.0.0.1:80 or [::1]:80", i)
		}
		families[i] = address.Addr().Unmap().Is4()
	}
	if len(targets) == maxTargets && families[0] == families[1] {
		return errors.New("targets: must be one address, or one of each family")
	}
	return nil
}

func checkService(service string) error {
	if name, ok := strings.CutPrefix(service, "svc:"); service != "" && (!ok || !label.MatchString(name)) {
		return errors.New("service: must be a name such as svc:web")
	}
	return nil
}

func noneEmpty(field string, values []string) error {
	for i, value := range values {
		if value == "" {
			return fmt.Errorf("%s.%d: must not be empty", field, i)
		}
	}
	return nil
}
