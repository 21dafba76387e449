package noderole

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// exchange sends bytes to the echo of a connection and reads them back.
func exchange(t testing.TB, conn *net.TCPConn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len(text))); err != nil {
		t.Fatal(err)
	}
}

func peerStatus(d *driver, name string) message.PeerStatus {
	d.t.Helper()
	for _, peer := range request[message.Peers](d, message.MethodPeers, message.Empty{}).Peers {
		if peer.Name == name {
			return peer
		}
	}
	d.t.Fatalf("there is no peer %s", name)
	panic("unreachable")
}

func TestListsTheNewestFlowsFirst(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	hello, _ := l.Node(lab.HelloName)
	d.run = "a"
	d.call(message.MethodRegister, register("a", message.Policy{}))
	for range 3 {
		exchange(t, mustDial(t, socks, "hello", 7), "four")
	}
	got := request[message.FlowListResult](d, message.MethodFlowList, message.FlowList{Limit: 2})
	if got.Total != 3 || len(got.Flows) != 2 || got.Flows[0].Flow != 3 || got.Flows[1].Flow != 2 {
		t.Fatalf("the flows are %+v", got)
	}
	flow := got.Flows[0]
	if flow.Run != "a" || flow.Peer != hello.Name || flow.Name != "hello" || flow.Network != message.NetworkTCP ||
		flow.Direction != message.DirectionOutbound || flow.BytesUp != 4 || flow.BytesDown != 4 {
		t.Errorf("the flow is %+v", flow)
	}
}

func TestTellsOfPeersWhatFlowsHadToDoWithThem(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	hello, _ := l.Node(lab.HelloName)
	closed := mustDial(t, socks, "hello", 7)
	exchange(t, closed, "four")
	closed.Close()
	within(t, "the end of a flow", d.closed)
	exchange(t, mustDial(t, socks, "hello", 7), "sevenxx")
	if _, _, err := dialSocks(socks, "hello", 6666); err == nil {
		t.Error("a closed port is open")
	}
	got := peerStatus(d, hello.Name)
	if got.BytesUp != 11 || got.BytesDown != 11 || got.Connects != 2 || got.Failures != 1 || got.Expired || got.OS != "linux" {
		t.Errorf("the peer is %+v", got)
	}
	until(t, "the direct path", func() bool { return peerStatus(d, hello.Name).Path.Kind == message.PathDirect })
}

func TestPingsPeersByNameAndAddress(t *testing.T) {
	l := startLab(t, lab.Options{Delay: 10 * time.Millisecond})
	d, _ := joined(t, l)
	hello, _ := l.Node(lab.HelloName)
	ping := func(peer string, timeout message.Timeout) (message.PingResult, error) {
		return tryCall[message.PingResult](d, message.MethodPing, message.Ping{Peer: peer, TimeoutMs: timeout})
	}
	for _, peer := range []string{"hello", hello.Name + ".", hello.Addresses[1].String()} {
		got, err := ping(peer, 10_000)
		if err != nil || got.Name != hello.Name || got.LatencyMs <= 0 || got.Path.Kind == message.PathNone {
			t.Errorf("%s: %+v, %v", peer, got, err)
		}
	}
	if _, err := ping("helo", 1000); message.CodeOf(err) != message.NoSuchHost || !strings.Contains(err.Error(), "hello") {
		t.Errorf("an unknown name gave %v", err)
	}
	if _, err := l.AddNode(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	d.awaitPeer("gone")
	if err := l.RemoveNode("gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := ping("gone", 200); message.CodeOf(err) != message.TimedOut {
		t.Errorf("a dead peer gave %v", err)
	}
}

func TestCountsConnectsFailuresAndBytes(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	exchange(t, mustDial(t, socks, "hello", 7), "four")
	for range 2 {
		if _, _, err := dialSocks(socks, "nobody", 7); err == nil {
			t.Error("nobody answers")
		}
	}
	got := request[message.Metrics](d, message.MethodMetrics, message.Empty{})
	if got.ConnectLatency.Count != 1 || got.ConnectLatency.SumMs <= 0 || got.Flows.OpenedTCP != 1 || got.Flows.OpenedUDP != 0 || got.Flows.Closed != 0 {
		t.Errorf("the connects are %+v, %+v", got.ConnectLatency, got.Flows)
	}
	if len(got.Flows.Failed) != 1 || got.Flows.Failed[message.NoSuchHost] != 2 {
		t.Errorf("the failures are %v", got.Flows.Failed)
	}
	want := message.Carried{Up: 4, Down: 4}
	if got.Bytes.Up != 4 || got.Bytes.Down != 4 || got.Bytes.Routes[message.RouteTailnet] != want || got.Bytes.Routes[message.RouteExit] != (message.Carried{}) {
		t.Errorf("the bytes are %+v", got.Bytes)
	}
	if len(got.Peers) != 2 {
		t.Errorf("the peers are %+v", got.Peers)
	}
}

func TestAHistogramCountsUpToEachBound(t *testing.T) {
	var h histogram
	for _, took := range []time.Duration{0, time.Millisecond, 1001 * time.Microsecond, 10 * time.Second, 11 * time.Second} {
		h.observe(took)
	}
	got := h.read()
	last := got.Buckets[len(got.Buckets)-1]
	if got.Count != 5 || got.Buckets[0].Count != 2 || got.Buckets[1].Count != 3 || last.Count != 4 || last.LeMs != 10_000 {
		t.Errorf("got %+v", got)
	}
}

func TestChecksTheNetworkBeforeAndAfterTheStart(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	check := func(url string) message.NetcheckResult {
		return request[message.NetcheckResult](d, message.MethodNetcheck, message.Netcheck{ControlURL: url})
	}
	holds := func(when string, got message.NetcheckResult) {
		t.Helper()
		if !got.UDP || !got.IPv4 || got.NATType != message.NATNone || len(got.Relays) != 1 || got.PreferredRelay != got.Relays[0].Code ||
			got.ControlMs == nil || got.ControlError != "" || got.RelayError != "" {
			t.Errorf("%s: %+v", when, got)
		}
		if got.ClockSkewMs == nil || *got.ClockSkewMs < -60_000 || *got.ClockSkewMs > 60_000 {
			t.Errorf("%s the skew is %v", when, got.ClockSkewMs)
		}
	}
	holds("before the start", check(l.ControlURL()))
	d.start(l)
	holds("after it", check(""))
	l.StopControl()
	if got := check(""); got.ControlError == "" || got.ControlMs != nil || len(got.Relays) != 1 {
		t.Errorf("without a control server: %+v", got)
	}
}

func TestAClockThatIsAheadIsSeen(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	}))
	t.Cleanup(server.Close)
	got := request[message.NetcheckResult](newDriver(t), message.MethodNetcheck, message.Netcheck{ControlURL: server.URL})
	if got.ClockSkewMs == nil || *got.ClockSkewMs < 3_590_000 || *got.ClockSkewMs > 3_610_000 || got.RelayError == "" {
		t.Errorf("got %+v", got)
	}
}

func TestTheStatusSaysWhereTheNodeBelongs(t *testing.T) {
	l := startLab(t, lab.Options{})
	d := newDriver(t)
	d.start(l)
	got := request[message.Status](d, message.MethodStatus, message.Empty{})
	if got.ControlURL != l.ControlURL() || got.Relay == "" || got.Health == nil {
		t.Errorf("the status is %+v", got)
	}
	l.StopControl()
	if _, err := http.Get(l.ControlURL()); err == nil {
		t.Error("the control server answers")
	}
}
