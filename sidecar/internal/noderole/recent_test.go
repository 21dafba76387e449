package noderole

import (
	"net/netip"
	"testing"
)

func TestRemembersTheLastNamesOnly(t *testing.T) {
	var names recentNames
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)}) }
	names.add(at(0), "old")
	names.add(at(0), "zero")
	for i := 1; i <= maxRecent; i++ {
		if i == maxRecent && names.of(at(0)) != "zero" {
			t.Errorf("the first is %q while there is room", names.of(at(0)))
		}
		names.add(at(i), "later")
	}
	if names.of(at(0)) != "" || names.of(at(1)) != "later" || names.of(at(maxRecent)) != "later" || len(names.byAddr) != maxRecent {
		t.Errorf("%d are kept, the first is %q", len(names.byAddr), names.of(at(0)))
	}
}
