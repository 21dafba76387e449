package noderole

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// echoer is a program that answers datagrams.
func echoer(t testing.TB) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			conn.WriteToUDPAddrPort(buffer[:n], from)
		}
	})
	t.Cleanup(func() { conn.Close(); serving.Wait() })
	return conn.LocalAddr().String()
}

func TestAnExportOfUDPIsReachedFromAnotherNodeAndEndsWithItsRun(t *testing.T) {
	l := startLab(t, lab.Options{})
	server, _ := joined(t, l)
	server.call(message.MethodRegister, register("a", message.Policy{}))
	asks := make(chan message.Ask, 2)
	server.answer(func(ask message.Ask) (message.AskResult, error) {
		asks <- ask
		return message.AskResult{Allow: true}, nil
	})
	params := exported(echoer(t))
	params.Run, params.Ask, params.Network = "a", true, message.NetworkUDP
	params.Port = 53 // that of Tailscale's own resolver, at another address
	result := request[message.ExportResult](server, message.MethodExport, params)
	peer := newSender(t, l, message.Policy{})
	caller := request[message.Status](peer.driver, message.MethodStatus, message.Empty{}).Node
	for _, address := range result.Addresses {
		conn := listenUDP(t)
		to := netip.MustParseAddrPort(address)
		flow := peer.mustOpen(conn, to)
		for _, size := range []int{1, 0, 1_200, 9_000} {
			echo(t, conn, flow, bytes.Repeat([]byte{'x'}, size))
		}
		ask := within(t, "the ask", asks)
		if ask.Network != message.NetworkUDP || ask.Export != result.Export || ask.Run != "a" || ask.Peer != caller.Name ||
			ask.Destination != address {
			t.Errorf("asked %+v", ask)
		}
		opened := within(t, "flowOpened", server.opened)
		if opened.Network != message.NetworkUDP || opened.Direction != message.DirectionInbound || opened.Export != result.Export ||
			opened.Peer != caller.Name || opened.Destination != address || opened.Source != ask.Source || opened.Run != "a" {
			t.Errorf("the flow is %+v", opened)
		}
	}
	open := request[message.FlowListResult](server, message.MethodFlowList, message.FlowList{Limit: 10})
	if len(open.Flows) != 2 || open.Flows[0].Network != message.NetworkUDP {
		t.Errorf("open is %+v", open)
	}
	server.call(message.MethodUnregister, message.Unregister{Run: "a"})
	for range 2 {
		closed := within(t, "flowClosed", server.closed)
		if closed.Error == nil || closed.Error.Code != message.Aborted || closed.BytesUp != 10_201 || closed.BytesDown != 10_201 {
			t.Errorf("a flow's end is %+v", closed)
		}
	}
	// Both networks of the port are free when unregister is answered.
	params.Run = ""
	for _, network := range []message.Network{message.NetworkTCP, message.NetworkUDP} {
		params.Network = network
		request[message.ExportResult](server, message.MethodExport, params)
	}
}
