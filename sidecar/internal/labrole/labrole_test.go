package labrole_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/labrole"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func startRole(t *testing.T) (driver *channel.Conn, ended <-chan error) {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- labrole.Run(t.Context(), near) }()
	driver = channel.New(far)
	go driver.Serve(t.Context())
	t.Cleanup(func() { driver.End(nil) })
	call[message.HelloResult](t, driver, message.MethodHello, message.Hello{Protocol: 1, Driver: "test"})
	return driver, done
}

func call[R any](t *testing.T, c *channel.Conn, method string, params any) R {
	t.Helper()
	result, err := try[R](t, c, method, params)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return result
}

func try[R any](t *testing.T, c *channel.Conn, method string, params any) (R, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return channel.Call[R](ctx, c, method, params)
}

func TestRole(t *testing.T) {
	driver, ended := startRole(t)
	if _, err := try[message.LabNode](t, driver, message.MethodAddNode, message.AddNode{Name: "early"}); message.CodeOf(err) != message.NotConnected {
		t.Errorf("adding a node before the start: %v", err)
	}
	info := call[message.StartLabResult](t, driver, message.MethodStartLab, message.StartLab{})
	if info.Domain != lab.Domain || len(info.Nodes) != 2 || info.Nodes[0].Name != "hello."+lab.Domain || info.Nodes[0].Addresses[0] != "100.64.0.1" {
		t.Errorf("the lab is %+v", info)
	}
	if _, err := try[message.StartLabResult](t, driver, message.MethodStartLab, message.StartLab{}); message.CodeOf(err) != message.Busy {
		t.Errorf("a second start: %v", err)
	}
	response, err := http.Get(info.ControlURL + "/tailproxy-lab")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || strings.TrimSpace(string(body)) != `{"tailproxyLab":1}` {
		t.Errorf("the marker is %q, %v", body, err)
	}

	node := call[message.LabNode](t, driver, message.MethodAddNode, message.AddNode{
		Name:     "web",
		Forwards: []message.Forward{{Port: 80, Target: "127.0.0.1:1"}},
	})
	if node.Name != "web."+lab.Domain || len(node.Addresses) != 2 {
		t.Errorf("the node is %+v", node)
	}
	call[message.Empty](t, driver, message.MethodAddForward, message.AddForward{Node: "web", Port: 81, Target: "[::1]:1"})
	if _, err := try[message.Empty](t, driver, message.MethodAddForward, message.AddForward{Node: "web", Port: 80, Target: "127.0.0.1:1"}); message.CodeOf(err) != message.Busy {
		t.Errorf("a forward of a taken port: %v", err)
	}
	call[message.Empty](t, driver, message.MethodAddRecord, message.AddRecord{Name: "db", Address: "100.64.0.1"})
	call[message.Empty](t, driver, message.MethodRemoveNode, message.RemoveNode{Name: "web"})
	if _, err := try[message.Empty](t, driver, message.MethodRemoveNode, message.RemoveNode{Name: "web"}); message.CodeOf(err) != message.NoSuchHost {
		t.Errorf("removing it again: %v", err)
	}
	if _, err := try[message.Empty](t, driver, message.MethodAddForward, message.AddForward{Node: "web", Port: 1, Target: "192.0.2.1:1"}); message.CodeOf(err) != message.Protocol {
		t.Errorf("a forward off the machine: %v", err)
	}

	call[message.Empty](t, driver, message.MethodStop, message.Empty{})
	if err := <-ended; err != nil {
		t.Errorf("the role ended with %v", err)
	}
	if _, err := http.Get(info.ControlURL + "/tailproxy-lab"); err == nil {
		t.Error("the control server is still there")
	}
}

func TestChannelCloses(t *testing.T) {
	driver, ended := startRole(t)
	info := call[message.StartLabResult](t, driver, message.MethodStartLab, message.StartLab{})
	driver.End(nil)
	if err := <-ended; err != nil {
		t.Errorf("the role ended with %v", err)
	}
	if _, err := http.Get(info.ControlURL + "/tailproxy-lab"); err == nil {
		t.Error("the control server is still there")
	}
}
