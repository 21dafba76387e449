//go:build probe

package node

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/zzlab"
)

func TestFirstConnectLog(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	logf := func(who string) func(string, ...any) {
		return func(f string, a ...any) {
			mu.Lock()
			lines = append(lines, time.Now().Format("05.000000 ")+who+" "+fmt.Sprintf(f, a...))
			mu.Unlock()
		}
	}
	l, err := zzlab.Start(t.Context(), zzlab.Options{Logf: logf("LAB")})
	if err != nil {
		t.Fatal(err)
	}
	hello, _ := l.Node(zzlab.HelloName)
	for range 60 {
		mu.Lock()
		lines = nil
		mu.Unlock()
		node := New(Options{Hostname: "probe", StateDir: t.TempDir() + "/s", ControlURL: l.ControlURL(), Ephemeral: true, Logf: logf("NEW")})
		if err := node.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		logf("TEST")("started")
		st, _ := node.Running()
		t0 := time.Now()
		p, _ := node.ByAddress(hello.Addresses[0])
		node.AwaitPath(context.Background(), p)
		logf("TEST")("path there")
		c, err := st.DialTCP(context.Background(), netip.AddrPortFrom(hello.Addresses[0], 7))
		if err != nil {
			t.Fatal(err)
		}
		logf("TEST")("connected")
		if time.Since(t0) > 4*time.Second {
			mu.Lock()
			for _, line := range lines {
				t.Log(line)
			}
			mu.Unlock()
			return
		}
		c.Close()
		node.Close()
	}
}
