package export

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/sockdiag"
)

// reach chooses the target of a flow of UDP: no connect() says which of two somebody has, so the kernel is asked. Where nobody has one it
// is that of the peer's family.
func (e *export) reach(remote netip.Addr) netip.AddrPort {
	ordered := e.aims().inOrder(remote)
	if len(ordered) > 1 && !isHad(ordered[0]) && isHad(ordered[1]) {
		return ordered[1]
	}
	return ordered[0]
}

// isHad reports whether some socket gets what is sent to an address from this host.
func isHad(target netip.AddrPort) bool {
	errno, err := sockdiag.Find(unix.IPPROTO_UDP, netip.AddrPortFrom(target.Addr(), 1), target, sockdiag.AnyCookie)
	return err == nil && errno == 0
}

// follow returns what a flow does when nobody has its target, and when somebody has it again. A program that starts anew is served on;
// one that is at another address now gets the peer's next datagram, which begins another flow.
func (e *export) follow(c *Connection, target netip.AddrPort) (refused, answered func()) {
	var isRefused atomic.Bool
	refused = func() {
		if e.ctx.Err() != nil || !slices.Contains(e.aims(), target) || e.reach(c.Remote.Addr()) != target {
			c.Reset(nil)
			return
		}
		isRefused.Store(true)
		e.fail(message.Errorf(message.Refused, "nobody has %v of UDP on this host", target))
	}
	answered = func() {
		if isRefused.Load() && isRefused.Swap(false) {
			e.fail(nil)
		}
	}
	return refused, answered
}
