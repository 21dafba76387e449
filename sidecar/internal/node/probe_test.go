//go:build probe

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tailscale.com/tsnet"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// The probe compares ways to dial the tailnet: go test -tags probe -run TestProbe -v ./internal/node. Each round runs each
// way in a process of its own, one after the other; PROBE_ROUNDS and PROBE_WAYS choose. Ways: tsnet, own, and own with
// options as in own,sndbuf=262144,gogc=50.

type figures struct {
	ConnectUs, RTTUs                       float64
	ConnectsPerSecond                      float64
	Up1, Down1, Up8, Down8                 float64 // Mbit/s
	ShortMB, Up1MB, Up8MB, Down1MB, PeakMB float64
}

func TestMain(m *testing.M) {
	if way := os.Getenv("PROBE_WAY"); way != "" {
		probeChild(way)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestProbe(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("PROBE_ROUNDS"))
	if rounds == 0 {
		rounds = 3
	}
	ways := strings.Split(os.Getenv("PROBE_WAYS"), ";")
	if ways[0] == "" {
		ways = []string{"tsnet", "own"}
	}
	delay, _ := time.ParseDuration(os.Getenv("PROBE_DELAY"))
	l, err := lab.Start(t.Context(), lab.Options{Delay: delay})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	hello, _ := l.Node(lab.HelloName)
	all := map[string][]figures{}
	for range rounds {
		for _, way := range ways {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "PROBE_WAY="+way, "PROBE_CONTROL="+l.ControlURL(), "PROBE_PEER="+hello.Addresses[0].String())
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(way, err, string(out))
			}
			var f figures
			if err := json.Unmarshal(out, &f); err != nil {
				t.Fatal(err, string(out))
			}
			all[way] = append(all[way], f)
			t.Logf("%-40s %+v", way, f)
		}
	}
	for _, way := range ways {
		m := func(get func(f figures) float64) float64 {
			var v []float64
			for _, f := range all[way] {
				v = append(v, get(f))
			}
			slices.Sort(v)
			return v[len(v)/2]
		}
		t.Logf("MEDIAN %-34s connect %.0fus rtt %.0fus conns/s %.0f up1 %.0f down1 %.0f up8 %.0f down8 %.0f MB: short %.0f up1 %.0f up8 %.0f down1 %.0f peak %.0f", way,
			m(func(f figures) float64 { return f.ConnectUs }), m(func(f figures) float64 { return f.RTTUs }),
			m(func(f figures) float64 { return f.ConnectsPerSecond }),
			m(func(f figures) float64 { return f.Up1 }), m(func(f figures) float64 { return f.Down1 }),
			m(func(f figures) float64 { return f.Up8 }), m(func(f figures) float64 { return f.Down8 }),
			m(func(f figures) float64 { return f.ShortMB }), m(func(f figures) float64 { return f.Up1MB }), m(func(f figures) float64 { return f.Up8MB }), m(func(f figures) float64 { return f.Down1MB }), m(func(f figures) float64 { return f.PeakMB }))
	}
}

func probeChild(way string) {
	ctx := context.Background()
	peer := netip.MustParseAddr(os.Getenv("PROBE_PEER"))
	dir, _ := os.MkdirTemp("", "probe")
	defer os.RemoveAll(dir)
	name, rest, _ := strings.Cut(way, ",")
	var o netstack.Options
	for _, kv := range strings.Split(rest, ",") {
		k, v, _ := strings.Cut(kv, "=")
		n, _ := strconv.Atoi(v)
		switch k {
		case "sndbuf":
			o.SendBuffer = n
		case "rcvbuf":
			o.ReceiveBuffer = n
		case "queue":
			o.QueueLength = n
		case "cc":
			o.CongestionControl = v
		case "gogc":
			debug.SetGCPercent(n)
		case "memlimit":
			debug.SetMemoryLimit(int64(n) << 20)
		}
	}
	var dial func(port uint16) (net.Conn, error)
	switch name {
	case "tsnet":
		lab.ApplyEnvironment()
		s := &tsnet.Server{Dir: dir, Hostname: "probe", ControlURL: os.Getenv("PROBE_CONTROL"), Ephemeral: true, UserLogf: func(string, ...any) {}}
		defer s.Close()
		if _, err := s.Up(ctx); err != nil {
			panic(err)
		}
		dial = func(port uint16) (net.Conn, error) {
			return s.Dial(ctx, "tcp", netip.AddrPortFrom(peer, port).String())
		}
	default:
		n := New(Options{Hostname: "probe", StateDir: dir, ControlURL: os.Getenv("PROBE_CONTROL"), Ephemeral: true, Stack: o})
		defer n.Close()
		if err := n.Start(ctx); err != nil {
			panic(err)
		}
		p, _ := n.ByAddress(peer)
		dial = func(port uint16) (net.Conn, error) {
			st, err := n.Running()
			if err != nil {
				return nil, err
			}
			n.AwaitPath(ctx, p)
			return st.DialTCP(ctx, netip.AddrPortFrom(peer, port))
		}
	}
	f := measure(dial)
	json.NewEncoder(os.Stdout).Encode(f)
	os.Exit(0) // tsnet's Close may wait long for connections that were cut
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func measure(dial func(port uint16) (net.Conn, error)) figures {
	var f figures
	must(dial(7)).Close()
	var connects []time.Duration
	many, size := 10, 192<<20
	if os.Getenv("PROBE_DELAY") != "" {
		many, size = 1, 48<<20
	}
	for range 50 * many {
		t := time.Now()
		c := must(dial(7))
		connects = append(connects, time.Since(t))
		c.Close()
	}
	f.ConnectUs = medianUs(connects)
	c := must(dial(7))
	var rtts []time.Duration
	b := []byte{1}
	for range 300 * many {
		t := time.Now()
		must(c.Write(b))
		must(io.ReadFull(c, b))
		rtts = append(rtts, time.Since(t))
	}
	c.Close()
	f.RTTUs = medianUs(rtts)
	start := time.Now()
	const conns, workers = 2000, 50 // short ones
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range conns / workers {
				c := must(dial(7))
				p := []byte("x")
				must(c.Write(p))
				must(io.ReadFull(c, p))
				c.Close()
			}
		})
	}
	wg.Wait()
	f.ConnectsPerSecond = conns / time.Since(start).Seconds()
	f.ShortMB = peakMB()
	f.Up1 = mbit(size, func() { up(dial, size) })
	f.Up1MB = peakMB()
	f.Up8 = mbit(2*size, func() { parallel(8, func() { up(dial, 2*size/8) }) })
	f.Up8MB = peakMB()
	profile("up8")
	f.Down1 = mbit(size, func() { down(dial, size) })
	f.Down1MB = peakMB()
	f.Down8 = mbit(2*size, func() { parallel(8, func() { down(dial, 2*size/8) }) })
	f.PeakMB = peakMB()
	profile("down8")
	return f
}

func up(dial func(uint16) (net.Conn, error), size int) {
	c := must(dial(9))
	defer c.Close()
	buf := make([]byte, 64<<10)
	for n := 0; n < size; n += len(buf) {
		must(c.Write(buf))
	}
	c.(interface{ CloseWrite() error }).CloseWrite()
	c.Read(buf)
}

func down(dial func(uint16) (net.Conn, error), size int) {
	c := must(dial(19))
	defer c.Close()
	buf := make([]byte, 64<<10)
	for n := 0; n < size; {
		n += must(c.Read(buf))
	}
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

func peakMB() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kb float64
			fmt.Sscan(v, &kb)
			return kb / 1024
		}
	}
	return 0
}

func profile(stage string) {
	dir := os.Getenv("PROBE_PROFILES")
	if dir == "" {
		return
	}
	f := must(os.Create(dir + "/" + stage + ".heap"))
	defer f.Close()
	pprof.Lookup("heap").WriteTo(f, 0)
}
