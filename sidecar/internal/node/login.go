package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/tsconst"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const (
	// logoutLimit is how long the control server may take to hear of a logout.
	logoutLimit = 10 * time.Second
	// keyExpired is the detail of needs-login of a node that was logged in.
	keyExpired = "key-expired"
	loggedOut  = "the node was logged out"
)

// Login logs a node in that was started: one whose key has expired, or one that is to be another user's. It returns when the
// node has its new key and runs, and waits for a visit of the login URL as long as ctx allows.
func (n *Node) Login(ctx context.Context, key string, timeout time.Duration) error {
	ctx, stop := n.bound(ctx)
	defer stop()
	// Its end is that of what watches the login, too.
	limited, cancel := n.limit(ctx, timeout)
	defer cancel()
	err := n.login(limited, key)
	if err == nil {
		return nil
	}
	return n.late(ctx, limited, timeout, n.hideKey(err))
}

func (n *Node) login(ctx context.Context, key string) error {
	client := n.local.Load()
	if client == nil {
		return errNotStarted
	}
	if !n.loggingIn.TryLock() {
		return message.Errorf(message.Busy, "a login is under way already")
	}
	defer n.loggingIn.Unlock()
	key, err := n.authKey(ctx, key)
	if err != nil {
		return err
	}
	status, err := client.StatusWithoutPeers(ctx)
	if err != nil {
		return fmt.Errorf("looking at the node: %w", err)
	}
	old := status.Self.PublicKey
	before := ""
	if n.State() == message.StateRunning {
		before = n.usedKey
	}
	n.byKey.Store(key != "")
	failed, err := n.beginLogin(ctx, client, key)
	if err != nil {
		n.takeBack(client, before)
		return err
	}
	for {
		changed := n.changes.next()
		if self := n.self.Load(); self != nil && self.key != old && n.State() == message.StateRunning {
			n.usedKey = key
			// The backend holds its lock until WireGuard has the key too, and this waits for that.
			if _, err := client.StatusWithoutPeers(ctx); err != nil {
				return fmt.Errorf("looking at the node: %w", err)
			}
			n.paths.forgetAll()
			n.warmPaths()
			return nil
		}
		select {
		case err := <-failed:
			n.takeBack(client, before)
			return err
		case <-changed:
		case <-ctx.Done():
			n.takeBack(client, before)
			return context.Cause(ctx)
		}
	}
}

// beginLogin asks the control server for another key, and returns where its refusal comes. A login by an auth key needs a new
// control client, as tsnet makes one.
func (n *Node) beginLogin(ctx context.Context, client *local.Client, key string) (failed <-chan error, err error) {
	if key != "" {
		if err := client.Start(ctx, ipn.Options{AuthKey: key}); err != nil {
			return nil, fmt.Errorf("starting the login: %w", err)
		}
	}
	// Not before: what the former control client had to say is of a former login.
	watcher, err := client.WatchIPNBus(ctx, ipn.NotifyInitialHealthState)
	if err != nil {
		return nil, fmt.Errorf("watching the login: %w", err)
	}
	refused := make(chan error, 1)
	go func() {
		defer watcher.Close()
		refused <- n.followLogin(watcher)
	}()
	if err := client.StartLoginInteractive(ctx); err != nil {
		return nil, fmt.Errorf("starting the login: %w", err)
	}
	return refused, nil
}

// staleLimit is how long a warning of a former login may stay.
const staleLimit = time.Second

// followLogin returns why the control server refuses a login, or that nobody watches it any more.
func (n *Node) followLogin(watcher *local.IPNBusWatcher) error {
	stale, first, begun := "", true, time.Now()
	for {
		notify, err := watcher.Next()
		switch {
		case err != nil:
			return fmt.Errorf("watching the login: %w", err)
		case notify.ErrMessage != nil && !isPause(*notify.ErrMessage):
			return n.refusal(*notify.ErrMessage)
		case notify.Health == nil:
			continue
		}
		warning := notify.Health.Warnings[tsconst.HealthWarnableLoginState].Text
		if first {
			stale, first = warning, false
		}
		if warning == stale && time.Since(begun) < staleLimit {
			continue
		}
		if err := n.loginError(warning); err != nil {
			return err
		}
	}
}

// takeBack gives a login up that has failed: a node that ran goes on with the key that it has. Some servers want the auth key
// again that it came with; without that no key is good for more than a visit of the login URL.
func (n *Node) takeBack(client *local.Client, authKey string) {
	n.byKey.Store(authKey != "")
	if n.ctx.Err() == nil {
		// Should this fail the node stays as it is, and says so by its state.
		_ = client.Start(n.ctx, ipn.Options{AuthKey: authKey})
	}
}

// Logout has the control server forget the node. When the server could not be told, the node is as it was.
func (n *Node) Logout(ctx context.Context) error {
	client := n.local.Load()
	if client == nil {
		return errNotStarted
	}
	ctx, stop := n.bound(ctx)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, logoutLimit, message.Errorf(message.TimedOut,
		"the control server was not reached within %v, and the node is still logged in; try again when it is", logoutLimit))
	defer cancel()
	if err := client.Logout(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else {
			err = message.Errorf(message.CodeOf(err), "the control server did not log the node out, and it is still logged in: %w", err)
		}
		n.stayLoggedIn(client)
		return n.hideKey(err)
	}
	return nil
}

// Forget ends a node that was logged out, and removes its keys.
func (n *Node) Forget() error {
	n.closeWith(loggedOut)
	if err := os.Remove(stateFile(n.options.StateDir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forgetting the node's keys: %w", err)
	}
	return nil
}

// stayLoggedIn takes back what a logout sets before it asks the server.
func (n *Node) stayLoggedIn(client *local.Client) {
	if n.ctx.Err() != nil {
		return
	}
	_, _ = client.EditPrefs(n.ctx, &ipn.MaskedPrefs{
		WantRunningSet: true,
		LoggedOutSet:   true,
		Prefs:          ipn.Prefs{WantRunning: true},
	})
}

func (n *Node) limit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// late returns err, or what was waited for when that took too long.
func (n *Node) late(ctx, limited context.Context, limit time.Duration, err error) error {
	if ctx.Err() != nil || !errors.Is(limited.Err(), context.DeadlineExceeded) {
		return err
	}
	switch n.State() {
	case message.StateNeedsLogin:
		return message.Errorf(message.TimedOut, "nobody logged the node in within %v", limit)
	case message.StateNeedsApproval:
		return message.Errorf(message.TimedOut, "nobody approved the node within %v; an admin of its tailnet has to", limit)
	case message.StateRunning:
		return message.Errorf(message.TimedOut, "nobody completed the login within %v, and the node goes on as it was", limit)
	}
	return message.Errorf(message.TimedOut, "the control server did not let the node in within %v", limit)
}
