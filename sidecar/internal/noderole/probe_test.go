//go:build probe

package noderole

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

// TestProbe measures a sidecar in a process of its own through its SOCKS listener:
// go test -tags probe -run TestProbe -v ./internal/noderole
func TestProbe(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, process := newProcess(t)
	d.start(l)
	socks := d.listen()
	hello, _ := l.Node(lab.HelloName)
	host := hello.Addresses[0].String()
	drain(d)
	dial := func(port uint16) *net.TCPConn {
		c, _, err := dialSocks(socks, host, port)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	report := func(what string, value float64, unit string) {
		t.Logf("%-34s %9.0f %-8s peak %4.0f MB", what, value, unit, peakMB(process.Pid))
	}
	dial(7).Close()
	var times []time.Duration
	for range 500 {
		s := time.Now()
		c := dial(7)
		times = append(times, time.Since(s))
		c.Close()
	}
	report("connect, median", medianUs(times), "us")
	c := dial(7)
	times = nil
	b := []byte{1}
	for range 3000 {
		s := time.Now()
		c.Write(b)
		io.ReadFull(c, b)
		times = append(times, time.Since(s))
	}
	c.Close()
	report("round trip, median", medianUs(times), "us")
	const conns, workers = 2000, 50
	s := time.Now()
	parallel(workers, func() {
		for range conns / workers {
			c := dial(7)
			p := []byte("x")
			c.Write(p)
			io.ReadFull(c, p)
			c.Close()
		}
	})
	report("connects, 50 parallel", conns/time.Since(s).Seconds(), "1/s")
	const size = 192 << 20
	up := func(size int) {
		c := dial(9)
		defer c.Close()
		buf := make([]byte, 64<<10)
		for n := 0; n < size; n += len(buf) {
			if _, err := c.Write(buf); err != nil {
				t.Error(err)
			}
		}
		c.CloseWrite()
		c.Read(buf)
	}
	down := func(size int) {
		c := dial(19)
		defer c.Close()
		buf := make([]byte, 64<<10)
		for n := 0; n < size; {
			m, err := c.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	}
	report("up, 1 stream", mbit(size, func() { up(size) }), "Mbit/s")
	report("up, 8 streams", mbit(2*size, func() { parallel(8, func() { up(2 * size / 8) }) }), "Mbit/s")
	report("down, 1 stream", mbit(size, func() { down(size) }), "Mbit/s")
	report("down, 8 streams", mbit(2*size, func() { parallel(8, func() { down(2 * size / 8) }) }), "Mbit/s")
	idle := make([]*net.TCPConn, 2000)
	var n sync.Mutex
	next := 0
	parallel(50, func() {
		for {
			n.Lock()
			i := next
			next++
			n.Unlock()
			if i >= len(idle) {
				return
			}
			idle[i] = dial(7)
			p := []byte("x")
			idle[i].Write(p)
			io.ReadFull(idle[i], p)
		}
	})
	report("2000 open and idle", rssMB(process.Pid), "MB now")
	for _, c := range idle {
		c.Close()
	}
}

func drain(d *driver) {
	go func() {
		for {
			select {
			case <-d.opened:
			case <-d.closed:
			case <-d.dialed:
			case <-d.gone:
			}
		}
	}()
}

func parallel(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}

func mbit(size int, f func()) float64 {
	t := time.Now()
	f()
	return float64(size) * 8 / 1e6 / time.Since(t).Seconds()
}

func medianUs(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Nanoseconds()) / 1e3
}

func peakMB(pid int) float64 { return statusMB(pid, "VmHWM:") }
func rssMB(pid int) float64  { return statusMB(pid, "VmRSS:") }

func statusMB(pid int, field string) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, field); ok {
			var kb float64
			fmt.Sscan(v, &kb)
			return kb / 1024
		}
	}
	return 0
}
