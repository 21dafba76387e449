package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// settings are what stdin has said. A place is written HOST:PORT, and * may stand for either.
type settings struct {
	mu  sync.RWMutex
	now values
}

type values struct {
	Path        string              `json:"path"`
	Token       string              `json:"token"`
	Control     string              `json:"control"`
	OnlyTailnet bool                `json:"onlyTailnet"`
	Asks        bool                `json:"asks"`
	UDP         string              `json:"udp"`
	Tarpits     *bool               `json:"tarpits"`
	Everything  bool                `json:"everything"`
	Routes      []netip.Prefix      `json:"routes"`
	Resolvers   []netip.Addr        `json:"resolvers"`
	Hosts       map[string]string   `json:"hosts"`
	UDPHosts    map[string]string   `json:"udpHosts"`
	Failures    map[string]string   `json:"failures"`
	DelayMs     int                 `json:"delayMs"`
	Names       map[string]*answers `json:"names"`
	Canonical   map[string]string   `json:"canonical"`
	Reverse     map[string][]string `json:"reverse"`
	Visit       *visit              `json:"visit"`
}

// visit is a connection from the tailnet to a listener of this host, made when it is told of.
type visit struct {
	From netip.AddrPort `json:"from"`
	To   netip.AddrPort `json:"to"`
}

// answers are a name's addresses, or "again" for a resolver that fails.
type answers struct {
	again     bool
	addresses []netip.Addr
}

func (a *answers) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte(`"again"`)) {
		*a = answers{again: true}
		return nil
	}
	*a = answers{}
	return json.Unmarshal(text, &a.addresses)
}

// update replaces what line has. Maps are replaced whole.
func (s *settings) update(line []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	var next values
	if err := decoder.Decode(&next); err != nil {
		return fmt.Errorf("the settings cannot be read: %w", err)
	}
	var has map[string]json.RawMessage
	if err := json.Unmarshal(line, &has); err != nil {
		return fmt.Errorf("the settings cannot be read: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Into an empty copy and field by field, since decoding into a map adds to it.
	for field := range has {
		s.now.take(field, &next)
	}
	return nil
}

func (v *values) take(field string, from *values) {
	switch field {
	case "hosts":
		v.Hosts = from.Hosts
	case "udpHosts":
		v.UDPHosts = from.UDPHosts
	case "failures":
		v.Failures = from.Failures
	case "names":
		v.Names = from.Names
	case "canonical":
		v.Canonical = from.Canonical
	case "reverse":
		v.Reverse = from.Reverse
	case "token":
		v.Token = from.Token
	case "visit":
		v.Visit = from.Visit
	case "control":
		v.Control = from.Control
	case "delayMs":
		v.DelayMs = from.DelayMs
	}
}

func (s *settings) get() values {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now
}

func (v *values) delay() time.Duration { return time.Duration(v.DelayMs) * time.Millisecond }

// find returns what places say of a destination: the most exact of them.
func find(places map[string]string, destination netip.AddrPort) (string, bool) {
	host, port := destination.Addr().String(), strconv.Itoa(int(destination.Port()))
	for _, place := range []string{
		net.JoinHostPort(host, port), net.JoinHostPort(host, "*"), net.JoinHostPort("*", port), "*:*",
	} {
		if found, ok := places[place]; ok {
			return found, true
		}
	}
	return "", false
}

// target returns where a destination really is.
func (v *values) target(places map[string]string, destination netip.AddrPort) (string, error) {
	if code, ok := find(v.Failures, destination); ok {
		return "", message.Errorf(message.Code(code), "%v fails as the settings say", destination)
	}
	found, ok := find(places, destination)
	if !ok {
		return "", message.Errorf(message.NoRoute, "the settings have no %v", destination)
	}
	host, port, err := net.SplitHostPort(found)
	if err != nil {
		return "", message.Errorf(message.Internal, "the settings have %q for %v: %w", found, destination, err)
	}
	if port == "*" {
		port = strconv.Itoa(int(destination.Port()))
	}
	return net.JoinHostPort(host, port), nil
}

// isResolver reports whether destination is answered with the settings' names.
func (v *values) isResolver(destination netip.AddrPort) bool {
	if destination.Port() != 53 {
		return false
	}
	for _, resolver := range v.Resolvers {
		if resolver == destination.Addr() {
			return true
		}
	}
	return false
}
