package board

import (
	"encoding/binary"
	"net/netip"
)

const indexBuckets = 8_192

// SetFlow says which destination a flow socket stands for, and that the program's socket with this cookie has it
// for that destination. It is false when the index has no place left, and nothing is written then.
func (b *Board) SetFlow(flow netip.AddrPort, cookie uint64, destination netip.AddrPort) bool {
	if !b.open(&b.flows) {
		return false
	}
	defer b.flows.Unlock()
	if old := b.loadEntry(flowEntryAt(flow)); old.cookie != 0 {
		b.clearLocked(flow, old)
	}
	value := indexValue(flow)
	offset, ok := b.findIndex(cookie, destination, value)
	if !ok {
		offset, ok = b.findIndex(cookie, destination, 0)
	}
	if !ok {
		return false
	}
	b.storeEntry(flowEntryAt(flow), entry{cookie, destination})
	b.store32(offset, value)
	return true
}

// ClearFlow takes back what SetFlow has said, unless the flow socket's port has been given to another since.
func (b *Board) ClearFlow(flow netip.AddrPort, cookie uint64, destination netip.AddrPort) {
	if !b.open(&b.flows) {
		return
	}
	defer b.flows.Unlock()
	if e := (entry{cookie, unmap(destination)}); b.loadEntry(flowEntryAt(flow)) == e {
		b.clearLocked(flow, e)
	}
}

func (b *Board) clearLocked(flow netip.AddrPort, e entry) {
	if offset, ok := b.findIndex(e.cookie, e.destination, indexValue(flow)); ok {
		b.store32(offset, 0)
	}
	b.store64(flowEntryAt(flow), 0)
}

func flowEntryAt(flow netip.AddrPort) int {
	if flow.Addr().Is4() {
		return entryAt(flows4At, flow.Port())
	}
	return entryAt(flows6At, flow.Port())
}

// indexValue is never 0, which is an unused place.
func indexValue(flow netip.AddrPort) uint32 {
	value := indexUsed | uint32(flow.Port())
	if !flow.Addr().Is4() {
		value |= indexIPv6
	}
	return value
}

func (b *Board) findIndex(cookie uint64, destination netip.AddrPort, value uint32) (offset int, ok bool) {
	bucket := indexBucket(cookie, destination)
	for way := range ways {
		offset = indexAt + (bucket*ways+way)*indexSize
		if b.load32(offset) == value {
			return offset, true
		}
	}
	return 0, false
}

// indexBucket hashes with FNV-1a, as http://www.isthe.com/chongo/tech/comp/fnv/ has it.
func indexBucket(cookie uint64, destination netip.AddrPort) int {
	var key [28]byte
	binary.LittleEndian.PutUint64(key[:], cookie)
	key[8] = familyOf(destination.Addr())
	binary.LittleEndian.PutUint16(key[10:], destination.Port())
	address := addressBytes(destination.Addr())
	copy(key[12:], address[:])
	hash := uint64(0xcbf29ce484222325)
	for _, b := range key {
		hash = (hash ^ uint64(b)) * 0x100000001b3
	}
	return int(hash >> 51)
}

func unmap(address netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
}
