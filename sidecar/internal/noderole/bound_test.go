package noderole

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestAppendBound(t *testing.T) {
	prefix := make([]byte, 3, 64) // with room that is another's
	copy(prefix, []byte{5, 0, 0})
	for _, tt := range []struct {
		bound netip.AddrPort
		want  []byte
	}{
		{netip.MustParseAddrPort("100.64.0.1:513"), []byte{5, 0, 0, 1, 100, 64, 0, 1, 2, 1}},
		{netip.MustParseAddrPort("[::ffff:100.64.0.1]:80"), []byte{5, 0, 0, 1, 100, 64, 0, 1, 0, 80}},
		{netip.MustParseAddrPort("[fd7a::1]:80"), []byte{5, 0, 0, 4, 0xfd, 0x7a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80}},
		{netip.AddrPort{}, []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}},
	} {
		if got := appendBound(prefix, tt.bound); !bytes.Equal(got, tt.want) {
			t.Errorf("%v gave %v", tt.bound, got)
		}
	}
	if spare := prefix[:8]; !bytes.Equal(spare[3:], make([]byte, 5)) {
		t.Error("the prefix's array was written to")
	}
}
