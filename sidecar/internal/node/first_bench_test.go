package node

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

// BenchmarkFirstConnect measures a fresh node's first connect to a peer from the moment the node says that it runs.
// With "abrupt" the peer hears of the node when it does from a real control server: at about the time of the first packet.
func BenchmarkFirstConnect(b *testing.B) {
	b.Run("introduced", func(b *testing.B) { benchmarkFirstConnect(b, false) })
	b.Run("abrupt", func(b *testing.B) { benchmarkFirstConnect(b, true) })
}

func benchmarkFirstConnect(b *testing.B, abrupt bool) {
	l, err := lab.Start(b.Context(), lab.Options{Abrupt: abrupt})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	hello, _ := l.Node(lab.HelloName)
	var starts, paths, connects []time.Duration
	for b.Loop() {
		func() {
			begun := time.Now()
			n := New(Options{Hostname: "fresh", StateDir: filepath.Join(b.TempDir(), "state"), ControlURL: l.ControlURL(), Ephemeral: true})
			defer n.Close()
			ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
			defer cancel()
			if err := n.Start(ctx); err != nil {
				b.Fatal(err)
			}
			running := time.Now()
			peer, ok := n.ByAddress(hello.Addresses[0])
			if !ok {
				b.Fatal("the node does not know hello")
			}
			n.AwaitPath(ctx, peer)
			path := time.Now()
			stack, err := n.Running()
			if err != nil {
				b.Fatal(err)
			}
			conn, err := stack.DialTCP(ctx, netip.AddrPortFrom(hello.Addresses[0], 7))
			if err != nil {
				b.Fatal(err)
			}
			starts = append(starts, running.Sub(begun))
			paths = append(paths, path.Sub(running))
			connects = append(connects, time.Since(running))
			conn.Close()
		}()
	}
	report(b, starts, "start")
	report(b, paths, "path")
	report(b, connects, "connect")
}

func report(b *testing.B, took []time.Duration, what string) {
	slices.Sort(took)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	b.ReportMetric(milliseconds(took[len(took)/2]), "ms_"+what+"_median")
	b.ReportMetric(milliseconds(took[(len(took)*99+99)/100-1]), "ms_"+what+"_p99")
	b.ReportMetric(milliseconds(took[len(took)-1]), "ms_"+what+"_max")
}
