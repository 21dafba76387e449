package message

// NATType says how the host's network maps UDP: not at all, in a way that direct paths come about through, or in one that
// makes them rare.
type NATType string

const (
	NATNone    NATType = "none"
	NATEasy    NATType = "easy"
	NATHard    NATType = "hard"
	NATUnknown NATType = "unknown"
)

func (t NATType) check() error { return oneOf(t, NATNone, NATEasy, NATHard, NATUnknown) }

// Netcheck looks at the host's network. ControlURL is for before the start.
type Netcheck struct {
	ControlURL string `json:"controlUrl,omitempty"`
}

// Relay is a DERP region that answered.
type Relay struct {
	Code      string  `json:"code"`
	Name      string  `json:"name"`
	LatencyMs Measure `json:"latencyMs"`
}

// NetcheckResult is what was seen. The nearest relay is first. ClockSkewMs is by how much the host's clock is ahead.
type NetcheckResult struct {
	UDP            bool     `json:"udp"`
	IPv4           bool     `json:"ipv4"`
	IPv6           bool     `json:"ipv6"`
	NATType        NATType  `json:"natType"`
	PortMapping    string   `json:"portMapping,omitempty"`
	PreferredRelay string   `json:"preferredRelay,omitempty"`
	Relays         []Relay  `json:"relays"`
	RelayError     string   `json:"relayError,omitempty"`
	ControlMs      *Measure `json:"controlMs,omitempty"`
	ControlError   string   `json:"controlError,omitempty"`
	ClockSkewMs    *Skew    `json:"clockSkewMs,omitempty"`
}

// Skew is a difference of clocks in milliseconds. It may be below zero.
type Skew float64
