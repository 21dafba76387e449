package board

import "net/netip"

// SetPeer says whom the tarpit of a family stands for towards the program's socket with a local port and cookie.
// tarpit is any address of that family.
func (b *Board) SetPeer(tarpit netip.Addr, localPort uint16, cookie uint64, destination netip.AddrPort) {
	at := peers6At
	if tarpit.Is4() {
		at = peers4At
	}
	if !b.open(&b.peers) {
		return
	}
	defer b.peers.Unlock()
	b.storeEntry(entryAt(at, localPort), entry{cookie, destination})
}
