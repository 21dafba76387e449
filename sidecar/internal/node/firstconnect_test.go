//go:build probe

package node

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/zzlab"
)

func TestFirstConnect(t *testing.T) {
	l, err := zzlab.Start(t.Context(), zzlab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hello, _ := l.Node(zzlab.HelloName)
	for _, await := range []bool{true, false} {
		var starts, dials []time.Duration
		n := 60
		if os.Getenv("FC_N") != "" {
			fmt.Sscan(os.Getenv("FC_N"), &n)
		}
		for range n {
			node := New(Options{Hostname: "probe", StateDir: t.TempDir() + "/s", ControlURL: l.ControlURL(), Ephemeral: true})
			t0 := time.Now()
			if err := node.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			starts = append(starts, time.Since(t0))
			if !await {
				// as plain tsnet: no pings
			}
			st, _ := node.Running()
			t0 = time.Now()
			p, ok := node.ByAddress(hello.Addresses[0])
			if !ok {
				t.Fatal("no peer")
			}
			if await {
				node.AwaitPath(context.Background(), p)
			}
			c, err := st.DialTCP(context.Background(), netip.AddrPortFrom(hello.Addresses[0], 7))
			if err != nil {
				t.Fatal(err)
			}
			dials = append(dials, time.Since(t0))
			c.Close()
			go node.Close()
		}
		show := func(d []time.Duration) string {
			slices.Sort(d)
			return fmt.Sprintf("median %v p90 %v p99 %v max %v", d[len(d)/2], d[len(d)*9/10], d[len(d)*99/100], d[len(d)-1])
		}
		t.Logf("await=%v start %s", await, show(starts))
		t.Logf("await=%v first dial %s", await, show(dials))
	}
}
