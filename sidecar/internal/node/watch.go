package node

import (
	"context"
	"fmt"
	"strings"
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
		if notify.ErrMessage != nil {
			report(n.controlError(*notify.ErrMessage))
		}
		if notify.Health != nil {
			if warning, ok := notify.Health.Warnings[tsconst.HealthWarnableLoginState]; ok {
				if err := n.loginError(warning.Text); err != nil {
					report(err)
				}
			}
		}
		if notify.BrowseToURL != nil && *notify.BrowseToURL != "" {
			n.state.set(message.StateNeedsLogin, "")
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
			n.state.set(message.StateNeedsLogin, "the node's key has expired or it was logged out")
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

// controlError is what the control server wants the user to know.
func (n *Node) controlError(text string) error {
	if strings.Contains(text, "requires logging to be enabled") {
		return message.Errorf(message.Denied, "this tailnet requires Tailscale's log upload; start with --tailscale-logs")
	}
	return message.Errorf(message.Denied, "the control server refused the node: %s", text)
}

const loginErrorMark = "The last login error was: "

// loginError returns the control server's refusal that a warning tells of, or nil. With an auth key a refusal is
// final; without one the user may still log in.
func (n *Node) loginError(text string) error {
	_, reason, found := strings.Cut(text, loginErrorMark)
	if !found || n.options.AuthKey == "" || !isRefusal(reason) {
		return nil
	}
	return message.Errorf(message.Denied, "the control server refused the auth key: %s", strings.TrimSpace(reason))
}

// isRefusal tells an answer of the control server from not having reached it, which is tried again.
func isRefusal(reason string) bool {
	for _, mark := range []string{"register request: http 4", "invalid key", "not valid", "not found"} {
		if strings.Contains(reason, mark) {
			return true
		}
	}
	return false
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
