package board

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func newBoard(t testing.TB) *Board {
	t.Helper()
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestProgramsCanOnlyRead(t *testing.T) {
	b := newBoard(t)
	if _, err := unix.Mmap(b.Descriptor(), 0, size, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("it can be mapped writable")
	}
	if _, err := unix.Pwrite(b.Descriptor(), []byte("x"), 0); err == nil {
		t.Error("it can be written")
	}
	for _, length := range []int64{0, size - 1, size + 1} {
		if err := unix.Ftruncate(b.Descriptor(), length); err == nil {
			t.Errorf("it can be made %d bytes long", length)
		}
	}
	if _, err := unix.FcntlInt(uintptr(b.Descriptor()), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("more seals: %v", err)
	}
	read, err := unix.Mmap(b.Descriptor(), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(read)
	b.SetFailure(7, unix.ECONNREFUSED)
	if offset, ok := b.findFailure(failureBucket(7), 7); !ok || read[offset+8] != byte(unix.ECONNREFUSED) {
		t.Error("a program does not see what is written")
	}
}

func TestAClosedBoardTakesNothing(t *testing.T) {
	b := newBoard(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	flow := netip.MustParseAddrPort("127.0.0.1:50000")
	b.SetTarpits(flow, netip.AddrPort{})
	b.SetRouting(Routing{Everything: true})
	b.SetFailure(1, unix.EACCES)
	b.ClearFailure(1)
	b.SetPeer(flow.Addr(), 1, 1, flow)
	if b.SetFlow(flow, 1, flow) {
		t.Error("a flow was taken")
	}
	b.ClearFlow(flow, 1, flow)
	b.SetClient(flow, 1, flow, flow)
	b.ClearClient(flow, 1)
}

func TestAClientIsTakenBackByItsSocketAlone(t *testing.T) {
	b := newBoard(t)
	from, peer := netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("100.64.0.5:1")
	b.SetClient(from, 1, peer, from)
	b.SetClient(from, 2, peer, from)
	b.ClearClient(from, 1)
	if got := b.load64(clientEntryAt(from)); got != 2 {
		t.Errorf("the port's entry is of socket %d", got)
	}
	b.ClearClient(from, 2)
	if got := b.load64(clientEntryAt(from)); got != 0 {
		t.Errorf("the port's entry is of socket %d", got)
	}
}

func TestMoreRoutesThanFitAreEverything(t *testing.T) {
	b := newBoard(t)
	routes := make([]netip.Prefix, MaxRoutes+1)
	for i := range routes {
		routes[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
	}
	b.SetRouting(Routing{Routes: routes[:MaxRoutes]})
	if b.load32(atRouting) != 0 || b.load32(atRouteCount) != MaxRoutes {
		t.Errorf("flags %d, %d routes", b.load32(atRouting), b.load32(atRouteCount))
	}
	b.SetRouting(Routing{Routes: routes})
	if b.load32(atRouting) != flagEverything || b.load32(atRouteCount) != 0 {
		t.Errorf("flags %d, %d routes", b.load32(atRouting), b.load32(atRouteCount))
	}
}

func TestAFullBucketKeepsTheYoungestFailures(t *testing.T) {
	b := newBoard(t)
	same := make([]uint64, 0, ways+1)
	for cookie := uint64(1); len(same) <= ways; cookie++ {
		if failureBucket(cookie) == failureBucket(1) {
			same = append(same, cookie)
		}
	}
	for _, cookie := range same {
		b.SetFailure(cookie, unix.ECONNREFUSED)
	}
	for i, cookie := range same {
		if _, ok := b.findFailure(failureBucket(1), cookie); ok != (i > 0) {
			t.Errorf("the failure number %d is there: %v", i, ok)
		}
	}
}

func TestAFlowSocketThatIsUsedAgainLeavesNothingBehind(t *testing.T) {
	b := newBoard(t)
	flow := netip.MustParseAddrPort("127.0.0.1:50000")
	destination := netip.MustParseAddrPort("100.64.0.5:53")
	for cookie := uint64(1); cookie <= 100; cookie++ {
		if !b.SetFlow(flow, cookie, destination) {
			t.Fatal("the index is full")
		}
	}
	// An older owner's word comes late.
	b.ClearFlow(flow, 99, destination)
	if got := b.loadEntry(flowEntryAt(flow)); got != (entry{100, destination}) {
		t.Errorf("the entry is %+v", got)
	}
	used := 0
	for at := indexAt; at < indexAt+indexBuckets*ways*indexSize; at += indexSize {
		if b.load32(at) != 0 {
			used++
		}
	}
	if used != 1 {
		t.Errorf("%d index entries are used", used)
	}
}

func TestAFullIndexRefusesAFlow(t *testing.T) {
	b := newBoard(t)
	destination := netip.MustParseAddrPort("100.64.0.5:53")
	port := uint16(1)
	for cookie := uint64(1); port <= ways+1; cookie++ {
		if indexBucket(cookie, destination) != 0 {
			continue
		}
		flow := netip.AddrPortFrom(netip.IPv6Loopback(), port)
		if set := b.SetFlow(flow, cookie, destination); set != (port <= ways) {
			t.Errorf("flow %d of one bucket: %v", port, set)
		}
		port++
	}
	if b.load64(flowEntryAt(netip.AddrPortFrom(netip.IPv6Loopback(), ways+1))) != 0 {
		t.Error("the flow that was refused has an entry")
	}
}

// A reader that follows the rules of the page never sees half of what is written.
func TestReadersSeeWholeEntries(t *testing.T) {
	b := newBoard(t)
	const port = 4_000
	entries := []entry{
		{1, netip.MustParseAddrPort("100.64.0.1:1")},
		{2, netip.MustParseAddrPort("[fd7a:115c:a1e0::2]:2")},
	}
	var writing sync.WaitGroup
	done := make(chan struct{})
	for _, e := range entries {
		writing.Go(func() {
			for range 20_000 {
				b.SetPeer(netip.IPv4Unspecified(), port, e.cookie, e.destination)
				b.SetRouting(Routing{MTU: uint32(e.cookie), Resolvers: []netip.Addr{e.destination.Addr()}})
			}
		})
	}
	go func() { writing.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return
		default:
		}
		if err := readPeer(b, entryAt(peers4At, port), entries); err != nil {
			t.Fatal(err)
		}
		if err := readRouting(b, entries); err != nil {
			t.Fatal(err)
		}
	}
}

func readPeer(b *Board, at int, entries []entry) error {
	cookie := b.load64(at)
	read := b.loadEntry(at)
	if cookie == 0 || read.cookie != cookie || read == entries[cookie-1] {
		return nil
	}
	return fmt.Errorf("a reader saw %+v", read)
}

func readRouting(b *Board, entries []entry) error {
	sequence := b.load32(atSequence)
	mtu, family := b.load32(atMTU), uint8(b.load32(resolversAt))
	if sequence%2 == 1 || sequence != b.load32(atSequence) || mtu == 0 {
		return nil
	}
	if want := familyOf(entries[mtu-1].destination.Addr()); family != want {
		return fmt.Errorf("a reader saw family %d with MTU %d", family, mtu)
	}
	return nil
}
