package node

import (
	"net/netip"
	"sync/atomic"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/wgengine"
)

// engine is Tailscale's WireGuard engine. Until it is set nothing is sent.
type engine struct {
	engine atomic.Pointer[wgengine.Engine]
}

func (e *engine) set(started wgengine.Engine) { e.engine.Store(&started) }

func (e *engine) disco(addr netip.Addr, answered func(roundTrip time.Duration)) {
	e.ping(addr, tailcfg.PingDisco, func(result *ipnstate.PingResult) {
		answered(time.Duration(result.LatencySeconds * float64(time.Second)))
	})
}

func (e *engine) tsmp(addr netip.Addr, answered func()) {
	e.ping(addr, tailcfg.PingTSMP, func(*ipnstate.PingResult) { answered() })
}

func (e *engine) ping(addr netip.Addr, kind tailcfg.PingType, answered func(*ipnstate.PingResult)) {
	started := e.engine.Load()
	if started == nil {
		return
	}
	(*started).Ping(addr, kind, 0, func(result *ipnstate.PingResult) {
		if result.Err == "" {
			answered(result)
		}
	})
}

func (e *engine) hasSession(peer key.NodePublic, since time.Time) bool {
	started := e.engine.Load()
	if started == nil {
		return false
	}
	found, ok := (*started).PeerByKey(peer)
	return ok && found.LastHandshake().After(since)
}

func (e *engine) reset(peer key.NodePublic) {
	if started := e.engine.Load(); started != nil {
		(*started).ResetDevicePeer(peer)
	}
}
