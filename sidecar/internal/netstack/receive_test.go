package netstack

import (
	"bytes"
	"net/netip"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// segments4And6 are well-formed TCP segments.
func segments4And6(t testing.TB) [][]byte {
	t.Helper()
	var captured [][]byte
	s := newStack(t, left4, left6)
	bufs := [][]byte{make([]byte, 64<<10)}
	sizes := make([]int, 1)
	for _, remote := range []string{"100.64.0.2:80", "[fd7a:115c:a1e0::2]:80"} {
		go s.DialTCP(t.Context(), netip.MustParseAddrPort(remote))
		if _, err := s.Device().Read(bufs, sizes, 0); err != nil {
			t.Fatal(err)
		}
		captured = append(captured, bytes.Clone(bufs[0][:sizes[0]]))
	}
	return captured
}

// FuzzPlainTCP holds plainTCP to Tailscale's own check: what is plain is taken and refused alike, byte for byte.
func FuzzPlainTCP(f *testing.F) {
	for _, segment := range segments4And6(f) {
		f.Add(segment)
		broken := bytes.Clone(segment)
		broken[len(broken)-1] ^= 1
		f.Add(broken)
	}
	f.Add([]byte{0x45})
	f.Fuzz(func(t *testing.T, ip []byte) {
		got, plain := plainTCP(ip)
		if !plain {
			return
		}
		want := otherPacket(ip)
		if (got == nil) != (want == nil) {
			t.Fatalf("taken: %v, by Tailscale: %v", got != nil, want != nil)
		}
		if got == nil {
			return
		}
		defer got.DecRef()
		defer want.DecRef()
		if got.NetworkProtocolNumber != want.NetworkProtocolNumber || !bytes.Equal(bytesOf(got), bytesOf(want)) {
			t.Error("the packets differ")
		}
	})
}

func bytesOf(pkt *stack.PacketBuffer) []byte { return pkt.ToView().AsSlice() }

func TestPlainTCPTakesWhatStacksSend(t *testing.T) {
	for _, segment := range segments4And6(t) {
		pkt, plain := plainTCP(segment)
		if pkt == nil || !plain {
			t.Errorf("IP version %d was not taken", segment[0]>>4)
			continue
		}
		pkt.DecRef()
		segment[len(segment)-1] ^= 1
		if pkt, plain := plainTCP(segment); pkt != nil || !plain {
			t.Error("a wrong checksum was taken")
		}
	}
	fragment := make([]byte, header.IPv4MinimumSize+header.TCPMinimumSize)
	fragment[0], fragment[6], fragment[9] = 0x45, 0x20, byte(header.TCPProtocolNumber)
	if _, plain := plainTCP(fragment); plain {
		t.Error("a fragment is plain")
	}
}
