package main

import (
	"context"
	"net/netip"
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket"
)

// Resolve implements dialsocket.Run.
func (s *server) Resolve(_ context.Context, name string, want4, want6 bool) dialsocket.Addresses {
	s.events.tell(event{Event: "resolve", Name: name})
	now := s.settings.get()
	found, canonical := now.lookUp(name)
	switch {
	case found == nil:
		return dialsocket.Addresses{Status: dialsocket.NoName}
	case found.again:
		return dialsocket.Addresses{Status: dialsocket.Again}
	}
	answer := dialsocket.Addresses{Canonical: canonical}
	for _, addr := range found.addresses {
		if addr.Is4() && want4 || addr.Is6() && want6 {
			answer.Addresses = append(answer.Addresses, addr)
		}
	}
	if len(answer.Addresses) == 0 {
		answer.Status = dialsocket.NoAddress
	}
	return answer
}

// Reverse implements dialsocket.Run.
func (s *server) Reverse(_ context.Context, addr netip.Addr) dialsocket.Names {
	s.events.tell(event{Event: "reverse", Address: addr.String()})
	now := s.settings.get()
	names := now.Reverse[addr.String()]
	if len(names) == 0 {
		return dialsocket.Names{Status: dialsocket.NoName}
	}
	return dialsocket.Names{Names: names}
}

// lookUp returns what there is of a name, nil for nothing, and the name's canonical one when it is an alias.
func (v *values) lookUp(name string) (found *answers, canonical string) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if canonical = v.Canonical[name]; canonical != "" {
		name = canonical
	}
	return v.Names[name], canonical
}
