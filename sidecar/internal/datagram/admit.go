package datagram

import (
	"net/netip"
	"time"
)

// refusalWait is how long the program's socket is held after its first datagram for the case that the destination
// refuses that. Only one without a port of its own choice is held, so that nobody misses the port.
const refusalWait = 5 * time.Second

// identify learns the program's port if its socket has one by now.
func (f *flow) identify() error {
	local, err := f.program.local()
	if err != nil || local.Port() == 0 {
		return err
	}
	f.bound = !local.Addr().IsUnspecified()
	f.peer = local
	if !f.bound {
		// The source that the kernel takes towards loopback.
		f.peer = netip.AddrPortFrom(f.socket.address.Addr(), local.Port())
	}
	return nil
}

// admit drops what is not from the program's socket, and reports whether something is left.
func (f *flow) admit(batch *Batch) (left bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range batch.count {
		if f.isProgram(batch.source(i)) {
			left = true
			continue
		}
		batch.lengths[i] = dropped
		f.table.foreign.Add(1)
	}
	return left
}

// isProgram compares a datagram's source with what is known of the program's socket. The kernel is asked when the
// port is new: a socket has none before its first datagram, and may have another after it was disconnected.
func (f *flow) isProgram(source netip.AddrPort) bool {
	if source.Port() == f.peer.Port() && (!f.bound || source.Addr() == f.peer.Addr()) {
		f.peer = source
		return true
	}
	if f.program.held() {
		local, err := f.program.local()
		if err != nil || local.Port() != source.Port() {
			return false
		}
		if addr := local.Addr(); !addr.IsUnspecified() && addr != source.Addr() {
			return false
		}
		f.release = time.AfterFunc(f.table.RefusalWait, f.letGo)
	} else if lookFor(f.socket.address, source, f.request.Cookie) != exists {
		return false
	}
	f.peer, f.bound = source, false
	return true
}

// letGo gives the program's socket back.
func (f *flow) letGo() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.program.release()
}

// abandon lets go of the program's socket, to learn whether it is still somebody's.
func (f *flow) abandon() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgetLocked()
}

// forgetLocked lets go of a program's socket that was not used.
func (f *flow) forgetLocked() {
	if !f.program.held() {
		return
	}
	if f.peer.Port() == 0 {
		// It may have been connected without a datagram.
		_ = f.identify()
	}
	f.program.release()
}
