package export

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"
	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// client reads the board as a program does: whom the port of an accepted connection stands for.
func (w *world) client(conn *net.TCPConn) (peer netip.AddrPort, end [5]byte) {
	memory, err := unix.Mmap(w.board.Descriptor(), 0, 13_631_488, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer unix.Munmap(memory)
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	table := 11_534_336
	if remote.Addr().Unmap().Is4() {
		table = 9_437_184
	}
	entry := memory[table+int(remote.Port())*32:][:32]
	if binary.LittleEndian.Uint64(entry) == 0 {
		return
	}
	addr := netip.AddrFrom16([16]byte(entry[8:24]))
	if entry[26] == 4 {
		addr = netip.AddrFrom4([4]byte(entry[8:12]))
	}
	return netip.AddrPortFrom(addr, binary.LittleEndian.Uint16(entry[24:])), [5]byte(entry[27:])
}

type shown struct {
	peer netip.AddrPort
	end  [5]byte
}

func TestTheBoardHasThePeerWhileTheConnectionIsOpen(t *testing.T) {
	w := newWorld(t)
	seen := make(chan shown, 1)
	show := func(conn *net.TCPConn) {
		var s shown
		s.peer, s.end = w.client(conn)
		seen <- s
		io.Copy(io.Discard, conn)
	}
	v4, v6 := program(t, "127.0.0.1", show), program(t, "::1", show)
	tests := []struct {
		name, target string
		to, want     netip.Addr
	}{
		{"IPv4", v4, ours4, peers4},
		{"IPv6", v6, ours6, peers6},
		{"IPv6-to-a-listener-of-IPv4", v4, ours6, peers4},
		{"IPv4-to-a-listener-of-IPv6", v6, ours4, peers6},
	}
	id := w.open(func(e *message.Export) { e.ShowPeers = true }, v4)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := w.table.Retarget(id, []string{tt.target}); err != nil {
				t.Fatal(err)
			}
			conn := w.dial(tt.to)
			got := <-seen
			if want := netip.AddrPortFrom(tt.want, conn.Local().Port()); got.peer != want {
				t.Errorf("it shows %v; want %v", got.peer, want)
			}
			target := netip.MustParseAddrPort(tt.target)
			if port := binary.LittleEndian.Uint16(got.end[:]); port != target.Port() || got.end[4] != 1 {
				t.Errorf("the listener's end is %x; want %v", got.end, target)
			}
			roundTrip(t, conn, "")
		})
	}
	w.state("the end", func(s message.ExportState) bool { return s.Accepted == 4 && s.Connections == 0 })
	memory, err := unix.Mmap(w.board.Descriptor(), 0, 13_631_488, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	for at := 9_437_184; at < len(memory); at += 32 {
		if binary.LittleEndian.Uint64(memory[at:]) != 0 {
			t.Errorf("the entry at %d is left", at)
		}
	}
}

func TestAStrangerIsShownToNoListenerOfAnotherFamily(t *testing.T) {
	remote := netip.AddrPortFrom(peers6, 7)
	if got, ok := shownAs(remote, nil, netip.MustParseAddr("127.0.0.1")); ok {
		t.Errorf("it is shown as %v", got)
	}
	only6 := &peers.Peer{Addresses: []netip.Addr{peers6}}
	if got, ok := shownAs(remote, only6, netip.MustParseAddr("127.0.0.1")); ok {
		t.Errorf("it is shown as %v", got)
	}
	remote = netip.AddrPortFrom(peers4, 7)
	if got, ok := shownAs(remote, nil, netip.IPv6Loopback()); !ok || got != remote {
		t.Errorf("it is shown as %v, %v", got, ok)
	}
}

func TestPeersAreNotShownUnlessThatIsWanted(t *testing.T) {
	w := newWorld(t)
	seen := make(chan netip.AddrPort, 1)
	w.open(nil, program(t, "127.0.0.1", func(conn *net.TCPConn) {
		peer, _ := w.client(conn)
		seen <- peer
	}))
	roundTrip(t, w.dial(ours4), "")
	if got := <-seen; got.IsValid() {
		t.Errorf("the board shows %v", got)
	}
}

func TestTheProxyHeaderComesFirst(t *testing.T) {
	w := newWorld(t)
	headers := make(chan [2]string, 1)
	v4 := program(t, "127.0.0.1", func(conn *net.TCPConn) {
		reader := bufio.NewReader(conn)
		header, err := proxyproto.Read(reader)
		if err != nil || header.Version != 2 || header.Command != proxyproto.PROXY {
			t.Errorf("read %+v, %v", header, err)
			return
		}
		headers <- [2]string{header.SourceAddr.String(), header.DestinationAddr.String()}
		io.Copy(conn, reader)
	})
	w.open(func(e *message.Export) { e.ProxyProtocol = true }, v4)
	for _, to := range []netip.Addr{ours4, ours6} {
		conn := w.dial(to)
		if got := roundTrip(t, conn, "hello"); got != "hello" {
			t.Errorf("got %q", got)
		}
		want := [2]string{conn.Local().String(), netip.AddrPortFrom(to, 8000).String()}
		if got := <-headers; got != want {
			t.Errorf("the header has %v; want %v", got, want)
		}
	}
}
