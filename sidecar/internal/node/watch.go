package node

import (
	"context"
	"fmt"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/tsconst"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// watchState follows the backend and reports once on running: nil when the node runs, or why it never will.
func (n *Node) watchState(client *local.Client, running chan<- error) {
	report := func(err error) {
		select {
		case running <- err:
		default:
		}
	}
	err := n.followState(client, report)
	if err == nil {
		err = errWatchEnded
	}
	report(err)
}

func (n *Node) followState(client *local.Client, report func(error)) error {
	watcher, err := client.WatchIPNBus(n.ctx, ipn.NotifyInitialState|ipn.NotifyInitialHealthState)
	if err != nil {
		return fmt.Errorf("watching the node: %w", err)
	}
	defer watcher.Close()
	for {
		notify, err := watcher.Next()
		if err != nil {
			return fmt.Errorf("watching the node: %w", err)
		}
		if notify.ErrMessage != nil && !isPause(*notify.ErrMessage) {
			report(n.refusal(*notify.ErrMessage))
		}
		if notify.Health != nil {
			if warning, ok := notify.Health.Warnings[tsconst.HealthWarnableLoginState]; ok {
				if err := n.loginError(warning.Text); err != nil {
					report(err)
				}
			}
		}
		if notify.BrowseToURL != nil && *notify.BrowseToURL != "" {
			// A node that runs goes on to do so while its next user logs in.
			if state := n.State(); state != message.StateRunning && state != message.StateNeedsLogin {
				n.state.set(message.StateNeedsLogin, "")
			}
			if n.options.OnAuthURL != nil {
				n.options.OnAuthURL(*notify.BrowseToURL)
			}
		}
		if notify.State != nil {
			n.followBackend(*notify.State, report)
		}
	}
}

func (n *Node) followBackend(state ipn.State, report func(error)) {
	next, ok := follow(state)
	if !ok {
		if state == ipn.NeedsLogin && n.State() == message.StateRunning {
			n.state.set(message.StateNeedsLogin, n.whyLoggedOut())
		}
		return
	}
	select {
	case <-n.synced:
		n.state.set(next, "")
	default:
		// The first time, Start says running itself, when the netmap is here too.
		if next != message.StateRunning {
			n.state.set(next, "")
		}
	}
	if next == message.StateRunning {
		report(nil)
	}
}

// whyLoggedOut asks the backend, which knows before the netmap has come to us.
func (n *Node) whyLoggedOut() string {
	client := n.local.Load()
	if client == nil {
		return loggedOut
	}
	status, err := client.StatusWithoutPeers(n.ctx)
	if err != nil || status.Self == nil || status.Self.KeyExpiry == nil || status.Self.KeyExpiry.After(time.Now()) {
		return loggedOut
	}
	return keyExpired
}

// rewatchDelay keeps a watch that ends at once from being made again in a tight loop.
const rewatchDelay = 100 * time.Millisecond

// watchPeers follows the netmap until the node ends. A watch that fell behind is made anew.
func (n *Node) watchPeers(client *local.Client) {
	for n.ctx.Err() == nil {
		started := time.Now()
		n.followPeers(client)
		if time.Since(started) < rewatchDelay {
			select {
			case <-time.After(rewatchDelay):
			case <-n.ctx.Done():
			}
		}
	}
}

func (n *Node) followPeers(client *local.Client) {
	ctx, cancel := context.WithCancel(n.ctx)
	defer cancel()
	watcher, err := client.WatchIPNBus(ctx, ipn.NotifyInitialNetMap|ipn.NotifyPeerChanges)
	if err != nil {
		return
	}
	defer watcher.Close()
	for {
		notify, err := watcher.Next()
		if err != nil || notify.ErrMessage != nil {
			return
		}
		n.applyNotify(&notify)
	}
}
