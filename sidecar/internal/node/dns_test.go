package node

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func TestNewNamesMakeNewSettings(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	n := join(t, l)
	before, err := n.DNS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const name = "wiki." + lab.Domain
	if err := l.AddRecord(t.Context(), name, netip.MustParseAddr("198.51.100.7")); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		settings, err := n.DNS(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(settings.Records[name]) > 0 {
			if settings.Version == before.Version {
				t.Error("what was kept of before is still good")
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the name did not come")
		}
	}
}
