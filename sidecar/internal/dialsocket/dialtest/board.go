package dialtest

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	boardSize  = 13_631_488
	resolverAt = 64
	routesAt   = 4_096
	failuresAt = 65_536
	peers4At   = 1_048_576
)

// Board is a board as a program sees it.
type Board []byte

// MapBoard maps the board that a descriptor is of.
func MapBoard(fd int) (Board, error) {
	return unix.Mmap(fd, 0, boardSize, unix.PROT_READ, unix.MAP_SHARED)
}

func (b Board) word(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// Lives reports whether the sidecar does.
func (b Board) Lives() bool { return b.word(36)&0x3fff_ffff != 0 }

// Everything reports whether all destinations go to the sidecar.
func (b Board) Everything() bool { return b.word(44)&1 != 0 }

// Routes returns the tailnet's, in the board's order.
func (b Board) Routes() []netip.Prefix {
	routes := make([]netip.Prefix, b.word(48))
	for i := range routes {
		entry := b[routesAt+20*i:]
		routes[i] = netip.PrefixFrom(addressOf(entry), int(entry[1]))
	}
	return routes
}

// Resolver returns the first of the resolvers.
func (b Board) Resolver() (netip.Addr, bool) {
	if b.word(52) == 0 {
		return netip.Addr{}, false
	}
	return addressOf(b[resolverAt:]), true
}

// addressOf returns the address of a resolver or route.
func addressOf(entry []byte) netip.Addr {
	if entry[0] == 4 {
		return netip.AddrFrom4([4]byte(entry[4:8]))
	}
	return netip.AddrFrom16([16]byte(entry[4:20]))
}
