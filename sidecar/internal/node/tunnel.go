package node

import (
	"net/netip"
	"sync/atomic"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/wgengine"
	"tailscale.com/wgengine/wgint"
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

// handshake returns when the last handshake with the peer was completed; zero when none was.
func (e *engine) handshake(peer key.NodePublic) time.Time {
	if found, ok := e.find(peer); ok {
		return found.LastHandshake()
	}
	return time.Time{}
}

// bytes returns those of WireGuard's packets from and to the peer.
func (e *engine) bytes(peer key.NodePublic) (received, sent uint64) {
	if found, ok := e.find(peer); ok {
		return found.RxBytes(), found.TxBytes()
	}
	return 0, 0
}

func (e *engine) find(peer key.NodePublic) (wgint.Peer, bool) {
	started := e.engine.Load()
	if started == nil {
		return wgint.Peer{}, false
	}
	return (*started).PeerByKey(peer)
}

func (e *engine) reset(peer key.NodePublic) {
	if started := e.engine.Load(); started != nil {
		(*started).ResetDevicePeer(peer)
	}
}
