package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestHello(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	hello := mustNode(t, l, lab.HelloName)
	hosts := []struct {
		name    string
		address func(port int) string
	}{
		{"name", func(port int) string { return fmt.Sprintf("hello.%s:%d", lab.Domain, port) }},
		{"label", func(port int) string { return fmt.Sprintf("hello:%d", port) }},
		{"ipv4", func(port int) string { return at(hello, false, port) }},
		{"ipv6", func(port int) string { return at(hello, true, port) }},
	}
	for _, host := range hosts {
		t.Run(host.name, func(t *testing.T) { testServices(t, c, host.address) })
	}
}

func TestExit(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	c.useExitNode(t, mustNode(t, l, lab.ExitName))
	hosts := []struct {
		name    string
		address func(port int) string
	}{
		{"ipv4", func(port int) string { return fmt.Sprintf("198.51.100.7:%d", port) }},
		{"ipv6", func(port int) string { return fmt.Sprintf("[2001:db8::7]:%d", port) }},
	}
	for _, host := range hosts {
		t.Run(host.name, func(t *testing.T) { testServices(t, c, host.address) })
	}
	refused := []struct{ name, address string }{
		{"no-such-service", "198.51.100.7:8080"},
		{"not-test-net-ipv4", "203.0.113.7:80"},
		{"not-test-net-ipv6", "[2001:500::7]:80"},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), testLimit)
			defer cancel()
			conn, err := c.Dial(ctx, "tcp", tt.address)
			if message.CodeOf(err) != message.Refused {
				t.Errorf("dialling %s: %v, %v; want it refused", tt.address, conn, err)
			}
		})
	}
}

// testServices uses every service at what address makes of its port.
func testServices(t *testing.T, c client, address func(port int) string) {
	t.Run("echo", func(t *testing.T) {
		conn := c.dial(t, "tcp", address(lab.EchoPort))
		sent := strings.Repeat("echo ", 100_000)
		go func() {
			_, _ = io.WriteString(conn, sent)
			_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		if got := readAll(t, conn); got != sent {
			t.Errorf("got %d bytes back of %d", len(got), len(sent))
		}
	})
	t.Run("discard", func(t *testing.T) {
		conn := c.dial(t, "tcp", address(lab.DiscardPort))
		if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, conn); got != "" {
			t.Errorf("discard sent %q", got)
		}
	})
	t.Run("chargen", func(t *testing.T) {
		conn := c.dial(t, "tcp", address(lab.ChargenPort))
		got := make([]byte, 74*95*2)
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatal(err)
		}
		if line := string(got[:74]); line != " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n" {
			t.Errorf("the first line is %q", line)
		}
		if got[74] != '!' || !bytes.Equal(got[:74*95], got[74*95:]) {
			t.Error("the lines do not rotate by one character")
		}
	})
	t.Run("udp-echo", func(t *testing.T) {
		conn := c.dial(t, "udp", address(lab.EchoPort))
		_ = conn.SetDeadline(time.Now().Add(testLimit))
		for _, sent := range []string{"one", "two"} {
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			n, err := conn.Read(buf)
			if err != nil || string(buf[:n]) != sent {
				t.Fatalf("got %q, %v; want %q", buf[:n], err, sent)
			}
		}
	})
	web := &http.Client{Transport: &http.Transport{DialContext: c.Dial}, Timeout: testLimit}
	t.Cleanup(web.CloseIdleConnections)
	url := "http://" + address(lab.HTTPPort)
	t.Run("greeting", func(t *testing.T) {
		body := fetch(t, web, "GET", url+"/", nil)
		v4, v6 := c.TailscaleIPs()
		if !strings.Contains(body, v4.String()) && !strings.Contains(body, v6.String()) {
			t.Errorf("%q lacks the address %v or %v", body, v4, v6)
		}
		for _, want := range []string{"Hello, client!", "client." + lab.Domain, "user-3@"} {
			if !strings.Contains(body, want) {
				t.Errorf("%q lacks %q", body, want)
			}
		}
	})
	t.Run("bytes", func(t *testing.T) {
		if got := len(fetch(t, web, "GET", url+"/bytes/1234567", nil)); got != 1234567 {
			t.Errorf("got %d bytes", got)
		}
	})
	t.Run("sha256", func(t *testing.T) {
		sent := bytes.Repeat([]byte("x"), 1<<20)
		sum := sha256.Sum256(sent)
		for _, method := range []string{"PUT", "POST"} {
			var got struct {
				SHA256 string `json:"sha256"`
				Bytes  int    `json:"bytes"`
			}
			body := fetch(t, web, method, url+"/sha256", bytes.NewReader(sent))
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			if got.SHA256 != hex.EncodeToString(sum[:]) || got.Bytes != len(sent) {
				t.Errorf("%s: %+v", method, got)
			}
		}
	})
}

func fetch(t *testing.T, web *http.Client, method, url string, body io.Reader) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s", method, url, res.Status)
	}
	return readAll(t, res.Body)
}

func TestRemoveNode(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	echo := listenLoopback(t, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
	victim, err := l.AddNode(t.Context(), "victim", lab.Forward{Port: 7, Target: echo})
	if err != nil {
		t.Fatal(err)
	}
	conn := c.dial(t, "tcp", at(victim, false, 7))
	if _, err := io.WriteString(conn, "hi"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if _, err := conn.Read(buf); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveNode("victim"); err != nil {
		t.Fatal(err)
	}
	t.Run("says-no-goodbye", func(t *testing.T) {
		_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		if _, err := conn.Read(buf); message.CodeOf(err) != message.TimedOut {
			t.Errorf("reading from the dead node: %v", err)
		}
	})
	t.Run("is-a-black-hole", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := c.Dial(ctx, "tcp", at(victim, false, 7)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dialling the dead node: %v", err)
		}
	})
	t.Run("is-forgotten", func(t *testing.T) {
		if err := l.RemoveNode("victim"); message.CodeOf(err) != message.NoSuchHost {
			t.Errorf("removing it again: %v", err)
		}
	})
	t.Run("name-is-free-again", func(t *testing.T) {
		again, err := l.AddNode(t.Context(), "victim", lab.Forward{Port: 7, Target: echo})
		if err != nil {
			t.Fatal(err)
		}
		if again.Addresses[0] == victim.Addresses[0] {
			t.Error("it has the old address")
		}
		if got := c.lookup(t, "victim."+lab.Domain, "A"); got != again.Addresses[0].String() {
			t.Errorf("the name leads to %s, not %v", got, again.Addresses)
		}
		c.dial(t, "tcp", "victim:7")
	})
}

func TestAddNode(t *testing.T) {
	l := startLab(t, lab.Options{})
	if _, err := l.AddNode(t.Context(), lab.HelloName); message.CodeOf(err) != message.Busy {
		t.Errorf("a second hello: %v", err)
	}
	if err := l.AddForward("nobody", lab.Forward{}); message.CodeOf(err) != message.NoSuchHost {
		t.Errorf("a forward of nobody: %v", err)
	}
	if err := l.AddForward(lab.HelloName, lab.Forward{Port: 80}); message.CodeOf(err) != message.Busy {
		t.Errorf("a forward of a port that is taken: %v", err)
	}
}

func TestExitNodes(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	ctx := t.Context()
	second, err := l.AddExitNode(ctx, "second", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AddExitNode(ctx, "third", false); err != nil {
		t.Fatal(err)
	}
	local, err := c.LocalClient()
	if err != nil {
		t.Fatal(err)
	}
	is := func(name string, option, online bool) {
		t.Helper()
		status, err := local.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, peer := range status.Peer {
			if peer.DNSName == name+"."+lab.Domain+"." {
				if peer.ExitNodeOption != option || peer.Online != online {
					t.Errorf("%s: exit node %v, online %v", name, peer.ExitNodeOption, peer.Online)
				}
				return
			}
		}
		t.Errorf("there is no %s", name)
	}
	is("second", true, true)
	is("third", false, true)
	c.useExitNode(t, second)
	web := &http.Client{Transport: &http.Transport{DialContext: c.Dial}, Timeout: testLimit}
	t.Cleanup(web.CloseIdleConnections)
	if page := fetch(t, web, "GET", "http://198.51.100.7/", nil); !strings.Contains(page, second.Name) {
		t.Errorf("%q does not say which exit node it is of", page)
	}
	if err := l.SetExitNodeApproved(ctx, "third", true); err != nil {
		t.Fatal(err)
	}
	if err := l.SetExitNodeApproved(ctx, "second", false); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeOffline(ctx, "third"); err != nil {
		t.Fatal(err)
	}
	is("second", false, true)
	is("third", true, false)
	if err := l.SetExitNodeApproved(ctx, lab.HelloName, true); message.CodeOf(err) != message.Denied {
		t.Errorf("approving hello: %v", err)
	}
	for _, err := range []error{l.SetExitNodeApproved(ctx, "third", true), l.TakeOffline(ctx, "third")} {
		if message.CodeOf(err) != message.NoSuchHost {
			t.Errorf("a node that is gone: %v", err)
		}
	}
}

func TestDelay(t *testing.T) {
	const delay = 40 * time.Millisecond
	l := startLab(t, lab.Options{Delay: delay})
	c := joinLab(t, l, "client")
	conn := c.dial(t, "tcp", at(mustNode(t, l, lab.HelloName), false, lab.EchoPort))
	for range 3 {
		began := time.Now()
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < delay || took > 10*delay {
			t.Errorf("a round trip took %v with a delay of %v", took, delay)
		}
	}
}

func TestControlURL(t *testing.T) {
	l := startLab(t, lab.Options{})
	body := fetch(t, http.DefaultClient, "GET", l.ControlURL()+lab.MarkerPath, nil)
	if strings.TrimSpace(body) != lab.MarkerBody {
		t.Errorf("the marker is %q", body)
	}
	for _, path := range []string{"/", "/machine/register", "/machine/nonsense", "/auth/nonsense", "/c2n/x"} {
		res, err := http.Get(l.ControlURL() + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: %s", path, res.Status)
		}
	}
}
