package board

import (
	"encoding/binary"
	"net/netip"
)

// SetClient says whom the sidecar's socket with a cookie stands for towards a listener, to which it connects from from.
// The two have one family. It is for before the connection is made.
func (b *Board) SetClient(from netip.AddrPort, cookie uint64, peer, listener netip.AddrPort) {
	if !b.open(&b.clients) {
		return
	}
	defer b.clients.Unlock()
	offset := clientEntryAt(from)
	b.store64(offset, 0)
	address := addressBytes(peer.Addr())
	b.store64(offset+8, binary.LittleEndian.Uint64(address[:8]))
	b.store64(offset+16, binary.LittleEndian.Uint64(address[8:]))
	b.store64(offset+24, uint64(peer.Port())|uint64(familyOf(peer.Addr()))<<16|listenerEnd(listener)<<24)
	b.store64(offset, cookie)
}

// ClearClient takes back what SetClient has said, unless the port has another socket since.
func (b *Board) ClearClient(from netip.AddrPort, cookie uint64) {
	if !b.open(&b.clients) {
		return
	}
	defer b.clients.Unlock()
	if offset := clientEntryAt(from); b.load64(offset) == cookie {
		b.store64(offset, 0)
	}
}

func clientEntryAt(from netip.AddrPort) int {
	if from.Addr().Unmap().Is4() {
		return entryAt(clients4At, from.Port())
	}
	return entryAt(clients6At, from.Port())
}

// listenerEnd is a port and the last three bytes of an address, in the order of an entry's last five bytes.
func listenerEnd(listener netip.AddrPort) uint64 {
	address := listener.Addr().Unmap().AsSlice()
	last := address[len(address)-3:]
	return uint64(listener.Port()) | uint64(last[0])<<16 | uint64(last[1])<<24 | uint64(last[2])<<32
}
