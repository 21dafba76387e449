package message

import (
	"errors"
	"fmt"
	"time"
)

// Names of the requests that measure.
const (
	MethodFlowList = "flowList"
	MethodPing     = "ping"
	MethodNetcheck = "netcheck"
	MethodMetrics  = "metrics"
)

// maxListed is how many flows are listed at most.
const maxListed = 10_000

// FlowList asks for the open flows, the newest first.
type FlowList struct {
	Limit Limit `json:"limit"`
}

func (f FlowList) check() error {
	if f.Limit > maxListed {
		return fmt.Errorf("limit: must be 1 to %d", maxListed)
	}
	return nil
}

// FlowListResult has as many as were asked for; Total is how many there are.
type FlowListResult struct {
	Flows []OpenFlow `json:"flows"`
	Total uint64     `json:"total"`
}

// OpenFlow is a flow as [FlowOpened] describes it, and what it has carried.
type OpenFlow struct {
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
	AgeMs       Millis    `json:"ageMs"`
	BytesUp     uint64    `json:"bytesUp"`
	BytesDown   uint64    `json:"bytesDown"`
}

// PathKind says how packets reach a peer: straight, by a relay, or not at all so far.
type PathKind string

const (
	PathDirect PathKind = "direct"
	PathRelay  PathKind = "relay"
	PathNone   PathKind = "none"
)

func (k PathKind) check() error { return oneOf(k, PathDirect, PathRelay, PathNone) }

// Path is how packets reach a peer. Endpoint is where they go, Relay the code of a DERP region.
type Path struct {
	Kind     PathKind `json:"kind"`
	Endpoint string   `json:"endpoint,omitempty"`
	Relay    string   `json:"relay,omitempty"`
}

// PeerStatus is a peer with what is known of its path, and what our flows had to do with it.
type PeerStatus struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	Addresses      []string `json:"addresses"`
	Online         bool     `json:"online"`
	User           string   `json:"user,omitempty"`
	Tags           []string `json:"tags,omitempty"`
	ExitNodeOption bool     `json:"exitNodeOption"`
	OS             string   `json:"os,omitempty"`
	// LastSeen is as RFC 3339 writes times.
	LastSeen  string `json:"lastSeen,omitempty"`
	Expired   bool   `json:"expired,omitzero"`
	Path      Path   `json:"path"`
	BytesUp   uint64 `json:"bytesUp"`
	BytesDown uint64 `json:"bytesDown"`
	Connects  uint64 `json:"connects"`
	Failures  uint64 `json:"failures"`
}

func (p PeerStatus) check() error { return Peer{ID: p.ID, Name: p.Name}.check() }

// Ping asks how long a peer takes to answer, given by name or address.
type Ping struct {
	Peer      string  `json:"peer"`
	TimeoutMs Timeout `json:"timeoutMs"`
}

func (p Ping) check() error {
	if p.TimeoutMs == 0 {
		return errors.New("timeoutMs: must be positive")
	}
	return notEmpty("peer", p.Peer)
}

// PingResult is the peer's answer.
type PingResult struct {
	Name      string  `json:"name"`
	Address   string  `json:"address"`
	LatencyMs Measure `json:"latencyMs"`
	Path      Path    `json:"path"`
}

// Measure is a measured number of milliseconds, with parts of one.
type Measure float64

func (m Measure) check() error {
	if m < 0 {
		return errors.New("must not be negative")
	}
	return nil
}

// MeasureOf returns d with a resolution of a microsecond.
func MeasureOf(d time.Duration) Measure { return Measure(max(0, d.Microseconds())) / 1000 }

// Bucket of a histogram: how many took at most so long, those of the buckets before it included.
type Bucket struct {
	LeMs  Measure `json:"leMs"`
	Count uint64  `json:"count"`
}

// Histogram of times. What is in no bucket took longer than the last.
type Histogram struct {
	Count   uint64   `json:"count"`
	SumMs   Measure  `json:"sumMs"`
	Buckets []Bucket `json:"buckets"`
}

// FlowCounts counts flows since the sidecar started. Failed are dials, by the code of their error.
type FlowCounts struct {
	OpenedTCP uint64          `json:"openedTcp"`
	OpenedUDP uint64          `json:"openedUdp"`
	Closed    uint64          `json:"closed"`
	Failed    map[Code]uint64 `json:"failed"`
}

// Carried is bytes, up from programs.
type Carried struct {
	Up   uint64 `json:"up"`
	Down uint64 `json:"down"`
}

// Bytes are those of all flows, and by their routes.
type Bytes struct {
	Up     uint64            `json:"up"`
	Down   uint64            `json:"down"`
	Routes map[Route]Carried `json:"routes"`
}

// Metrics is the result of metrics.
type Metrics struct {
	ConnectLatency Histogram    `json:"connectLatency"`
	Flows          FlowCounts   `json:"flows"`
	Bytes          Bytes        `json:"bytes"`
	Peers          []PeerStatus `json:"peers"`
}

func measureSpecs() []Spec {
	return []Spec{
		request[FlowList, FlowListResult](FromNode, MethodFlowList),
		request[Ping, PingResult](FromNode, MethodPing),
		request[Netcheck, NetcheckResult](FromNode, MethodNetcheck),
		request[Empty, Metrics](FromNode, MethodMetrics),
	}
}
