package processors

import (
	"runtime"
	"testing"
)

func TestHalfIsLeftAndOneAlwaysTaken(t *testing.T) {
	for all, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 9: 4, 64: 32} {
		if got := half(all); got != want {
			t.Errorf("of %d processors %d are taken; want %d", all, got, want)
		}
	}
}

func TestWhoSetsTheNumberHasIt(t *testing.T) {
	before := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(before)
	defer receiving.Store(nil)
	t.Setenv("GOMAXPROCS", "3")
	LeaveHalf()
	Received(1 << 30)
	if receiving.Load() != nil {
		t.Error("bulk changes a number that was set")
	}
	if now := runtime.GOMAXPROCS(0); now != 3 {
		t.Errorf("GOMAXPROCS=3 was made %d", now)
	}
	t.Setenv("GOMAXPROCS", "")
	LeaveHalf()
	if now := runtime.GOMAXPROCS(0); now != 1 {
		t.Errorf("of three processors %d are taken", now)
	}
}
