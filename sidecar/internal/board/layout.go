package board

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"unsafe"
)

const magic = "TPB1"

// Offsets and sizes of docs/preload-protocol.md, in bytes.
const (
	size = 13_631_488

	atSize       = 4
	atFlags      = 8
	atPorts      = 12
	atAddress4   = 16
	atAddress6   = 20
	atLife       = 36
	atSequence   = 40
	atRouting    = 44
	atRouteCount = 48
	atResolvers  = 52
	atMTU        = 56
	resolversAt  = 64
	routesAt     = 4_096

	failuresAt = 65_536
	indexAt    = 589_824
	peers4At   = 1_048_576
	peers6At   = 3_145_728
	flows4At   = 5_242_880
	flows6At   = 7_340_032
	clients4At = 9_437_184
	clients6At = 11_534_336

	prefixSize  = 20
	failureSize = 16
	entrySize   = 32
	indexSize   = 4
	// ways is how many entries a bucket has.
	ways = 8
)

const (
	// MaxRoutes is how many routes fit. With more of them everything goes to the sidecar.
	MaxRoutes = 2_048
	// MaxResolvers is how many resolvers fit; resolv.conf(5) has three.
	MaxResolvers = 16
)

const (
	flagTarpit4 = 1 << 0
	flagTarpit6 = 1 << 1

	flagEverything = 1 << 0

	indexUsed = 1 << 31
	indexIPv6 = 1 << 16
)

// Every store is atomic: those who read are in other processes, and on aarch64 plain stores may be seen before the
// atomic one that they follow.

func (b *Board) word32(offset int) *uint32 { return (*uint32)(unsafe.Pointer(&b.memory[offset])) }
func (b *Board) word64(offset int) *uint64 { return (*uint64)(unsafe.Pointer(&b.memory[offset])) }

func (b *Board) store32(offset int, value uint32) { atomic.StoreUint32(b.word32(offset), value) }
func (b *Board) load32(offset int) uint32         { return atomic.LoadUint32(b.word32(offset)) }
func (b *Board) store64(offset int, value uint64) { atomic.StoreUint64(b.word64(offset), value) }
func (b *Board) load64(offset int) uint64         { return atomic.LoadUint64(b.word64(offset)) }

// storeBytes stores whole words of four bytes.
func (b *Board) storeBytes(offset int, bytes []byte) {
	for ; len(bytes) > 0; bytes = bytes[4:] {
		b.store32(offset, binary.LittleEndian.Uint32(bytes))
		offset += 4
	}
}

// entry is 32 bytes: a cookie and the destination that the socket with it has.
type entry struct {
	cookie      uint64
	destination netip.AddrPort
}

func (b *Board) storeEntry(offset int, e entry) {
	b.store64(offset, 0)
	address := addressBytes(e.destination.Addr())
	b.store64(offset+8, binary.LittleEndian.Uint64(address[:8]))
	b.store64(offset+16, binary.LittleEndian.Uint64(address[8:]))
	b.store64(offset+24, uint64(e.destination.Port())|uint64(familyOf(e.destination.Addr()))<<16)
	b.store64(offset, e.cookie)
}

func (b *Board) loadEntry(offset int) entry {
	var address [16]byte
	binary.LittleEndian.PutUint64(address[:8], b.load64(offset+8))
	binary.LittleEndian.PutUint64(address[8:], b.load64(offset+16))
	rest := b.load64(offset + 24)
	addr := addressOf(uint8(rest>>16), address)
	return entry{b.load64(offset), netip.AddrPortFrom(addr, uint16(rest))}
}

// addressBytes returns an address as the protocol has it: an IPv4 address is the first four bytes.
func addressBytes(addr netip.Addr) (bytes [16]byte) {
	copy(bytes[:], addr.Unmap().AsSlice())
	return bytes
}

func addressOf(family uint8, bytes [16]byte) netip.Addr {
	switch family {
	case 4:
		return netip.AddrFrom4([4]byte(bytes[:4]))
	case 6:
		return netip.AddrFrom16(bytes)
	}
	return netip.Addr{}
}

// familyOf returns 4 or 6.
func familyOf(addr netip.Addr) uint8 {
	if addr.Unmap().Is4() {
		return 4
	}
	return 6
}

// entryAt returns where a table that is indexed by ports has an entry.
func entryAt(table int, port uint16) int { return table + int(port)*entrySize }
