package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestPreparesTheStateDirectory(t *testing.T) {
	base := t.TempDir()
	fresh := filepath.Join(base, "a", "b")
	if err := prepareStateDir(fresh); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it is %v, %v", info.Mode(), err)
	}
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(fresh, link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		dir  func() string
	}{
		{"readable by the group", func() string { os.Chmod(fresh, 0o740); return fresh }},
		{"open to all", func() string { os.Chmod(fresh, 0o701); return fresh }},
		{"a symbolic link", func() string { os.Chmod(fresh, 0o700); return link }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := prepareStateDir(tt.dir()); message.CodeOf(err) != message.Denied {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := prepareStateDir(file); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestOneNodeAStateDirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := lockStateDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockStateDir(dir); message.CodeOf(err) != message.Busy {
		t.Errorf("the second got %v", err)
	}
	first.Close()
	again, err := lockStateDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestKnowsALab(t *testing.T) {
	for _, tt := range []struct {
		name   string
		handle http.HandlerFunc
		want   bool
	}{
		{"a lab", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == lab.MarkerPath {
				fmt.Fprint(w, lab.MarkerBody)
			}
		}, true},
		{"another server", http.NotFound, false},
		{"another answer", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tailproxyLab":2}`) }, false},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, false},
		{"an endless answer", func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				fmt.Fprint(w, strings.Repeat(" ", 1<<10))
			}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handle)
			defer server.Close()
			if got := isLab(t.Context(), server.URL); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	for _, url := range []string{"", "https://127.0.0.1:1", "http://192.0.2.1", "http://example.com", "%"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing may be sent
		if isLab(ctx, url) {
			t.Errorf("%q is a lab", url)
		}
	}
}

func TestStatesComeInOrderAndTheEndIsFinal(t *testing.T) {
	var told []message.State
	c := stateCell{tell: func(state message.State, _ string) { told = append(told, state) }}
	for _, state := range []message.State{
		message.StateStarting, message.StateStarting, message.StateNeedsLogin, message.StateRunning, message.StateStopped, message.StateRunning,
	} {
		c.set(state, "")
	}
	want := []message.State{message.StateStarting, message.StateNeedsLogin, message.StateRunning, message.StateStopped}
	if !slices.Equal(told, want) {
		t.Errorf("told %v", told)
	}
	for state, want := range map[ipn.State]message.State{
		ipn.Running: message.StateRunning, ipn.NeedsMachineAuth: message.StateNeedsApproval, ipn.Starting: message.StateStarting,
	} {
		if got, ok := follow(state); !ok || got != want {
			t.Errorf("%v is %v", state, got)
		}
	}
}

func TestTellsARefusalFromAnOutage(t *testing.T) {
	n := New(Options{})
	n.byKey.Store(true)
	for text, refused := range map[string]bool{
		"You are logged out.": false,
		"You are logged out. The last login error was: fetch control key: Get \"http://127.0.0.1:1/key\": connection refused": false,
		"You are logged out. The last login error was: register request: http 500: oops":                                      false,
		"You are logged out. The last login error was: register request: http 401: key expired":                               true,
		"You are logged out. The last login error was: invalid key: unable to validate API key":                               true,
	} {
		err := n.loginError(text)
		if refused != (message.CodeOf(err) == message.Denied && err != nil) {
			t.Errorf("%q gave %v", text, err)
		}
	}
	if err := New(Options{}).loginError("You are logged out. The last login error was: register request: http 401: x"); err != nil {
		t.Errorf("without a key a refusal is final: %v", err)
	}
}

func TestHidesTheKey(t *testing.T) {
	n := New(Options{})
	n.secrets.add("tskey-secret")
	err := n.hideKey(message.Errorf(message.Denied, "key tskey-secret is bad"))
	if strings.Contains(err.Error(), "secret") || message.CodeOf(err) != message.Denied {
		t.Errorf("got %v", err)
	}
}

func TestKnowsTheTailnetsNames(t *testing.T) {
	settings := newDNSSettings(&tailcfg.DNSConfig{
		Proxied:      true,
		Domains:      []string{"X.ts.net."},
		ExtraRecords: []tailcfg.DNSRecord{{Name: "db.corp."}},
	}, "x.ts.net")
	for name, owned := range map[string]bool{
		"web.x.ts.net": true, "WEB.X.TS.NET.": true, "x.ts.net": true, "db.corp": true,
		"webx.ts.net": false, "ts.net": false, "other.corp": false, "example.com": false,
	} {
		if settings.Owns(name) != owned {
			t.Errorf("%s: %v", name, !owned)
		}
	}
	if settings.Everything || !slices.Equal(settings.Search, []string{"x.ts.net"}) {
		t.Errorf("got %+v", settings)
	}
}

func TestANodeThatIsClosedStops(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Options{RequireAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	urls := make(chan string, 10)
	n := New(Options{
		Hostname: "client", StateDir: t.TempDir() + "/state", ControlURL: l.ControlURL(), Ephemeral: true,
		OnAuthURL: func(url string) { urls <- url },
	})
	started := make(chan error, 1)
	go func() { started <- n.Start(context.Background()) }()
	select {
	case <-urls:
	case err := <-started:
		t.Fatal(err)
	}
	n.Close()
	select {
	case err := <-started:
		if !errors.Is(err, ErrStopped) {
			t.Errorf("start gave %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("start did not end")
	}
	if n.State() != message.StateStopped {
		t.Errorf("the state is %s", n.State())
	}
	if _, err := n.Running(); message.CodeOf(err) != message.NotConnected {
		t.Errorf("running gave %v", err)
	}
	n.Close()
}

// join returns a node of the lab that runs.
func join(t *testing.T, l *lab.Lab) *Node {
	t.Helper()
	n := New(Options{Hostname: "client", StateDir: t.TempDir() + "/state", ControlURL: l.ControlURL(), Ephemeral: true})
	t.Cleanup(n.Close)
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFollowsTheNetmap(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	n := join(t, l)
	if !n.InLab() || n.Self().Hostname() != "client" || !n.IsSelf(n.Self().Addresses[0]) {
		t.Errorf("self is %+v", n.Self())
	}
	if err := n.Start(t.Context()); message.CodeOf(err) != message.Busy {
		t.Errorf("the second start gave %v", err)
	}
	late, err := l.AddNode(t.Context(), "late")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, ok := n.Peers().ByName(late.Name); ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new node did not come")
		}
		time.Sleep(time.Millisecond)
	}
	if exit := n.ExitNode(); exit.Set {
		t.Errorf("the exit node is %+v", exit)
	}
}

func TestAnExitNodeIsNotKeptOverARestart(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	dir := t.TempDir() + "/state"
	start := func() *Node {
		t.Helper()
		n := New(Options{Hostname: "client", StateDir: dir, ControlURL: l.ControlURL()})
		t.Cleanup(n.Close)
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := start()
	if _, err := n.ExitNodes().Set(t.Context(), []string{lab.ExitName}, true); err != nil {
		t.Fatal(err)
	}
	if exit := n.ExitNode(); !exit.Set || !exit.Up || !exit.LANAccess {
		t.Errorf("the exit node is %+v", exit)
	}
	n.Close()
	n = start()
	prefs, err := n.local.Load().GetPrefs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if exit := n.ExitNode(); exit.Set || prefs.ExitNodeID != "" || prefs.ExitNodeAllowLANAccess {
		t.Errorf("after a restart the exit node is %+v, and %q for Tailscale", exit, prefs.ExitNodeID)
	}
}
