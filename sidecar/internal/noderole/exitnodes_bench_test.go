package noderole

import (
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// BenchmarkFailover measures, from the moment an exit node is killed, when it is given up and when the first connection
// succeeds by the next one, or fails for want of one. Run it with -benchtime 1x.
func BenchmarkFailover(b *testing.B) {
	for _, tt := range []struct {
		name string
		use  func(b *testing.B, socks string)
		list []string
	}{
		{"download", func(b *testing.B, socks string) { download(b, socks) }, []string{"exit", "second"}},
		{"idle", func(b *testing.B, socks string) { mustDial(b, socks, outside, lab.EchoPort) }, []string{"exit", "second"}},
		{"unused", func(*testing.B, string) {}, []string{"exit", "second"}},
		{"download-auto", func(b *testing.B, socks string) { download(b, socks) }, []string{"exit", "auto"}},
		{"download-alone", func(b *testing.B, socks string) { download(b, socks) }, []string{"exit"}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			l := startLab(b, lab.Options{})
			addExitNode(b, l, "second", true)
			d, socks := joined(b, l)
			d.setExitNode(tt.list...)
			d.exitNodeIs(message.ExitNodeIsUp)
			tt.use(b, socks)
			down := make(chan time.Time, 1)
			killed := time.Now()
			if err := l.RemoveNode("exit"); err != nil {
				b.Fatal(err)
			}
			go func() {
				d.exitNodeIs(message.ExitNodeIsDown)
				down <- time.Now()
			}()
			for {
				_, err := greeting(socks)
				if err == nil || len(tt.list) == 1 {
					break
				}
			}
			ended := time.Since(killed)
			b.ReportMetric(float64((<-down).Sub(killed).Milliseconds()), "ms-to-down")
			b.ReportMetric(float64(ended.Milliseconds()), "ms-to-next")
			b.ReportMetric(0, "ns/op")
			if dials := d.role.host.Dials(); dials != 0 {
				b.Errorf("the host was dialled %d times", dials)
			}
		})
	}
}
