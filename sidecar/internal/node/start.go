package node

import (
	"context"
	"fmt"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/tsnet"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

func (n *Node) start(ctx context.Context) error {
	if err := prepareStateDir(n.options.StateDir); err != nil {
		return err
	}
	key, err := n.authKey(ctx, n.options.AuthKey)
	if err != nil {
		return err
	}
	n.byKey.Store(key != "")
	n.loggingIn.Lock()
	n.usedKey = key
	n.loggingIn.Unlock()
	n.inLab.Store(n.options.Lab || isLab(ctx, n.options.ControlURL))
	client, err := n.launch(ctx, key)
	if err != nil {
		return err
	}
	// tsnet leaves it off on Linux, where accepting routes changes the host's; here it changes only ours. A session that was
	// killed may have left its services, and an exit node that nobody has verified.
	if _, err := client.EditPrefs(ctx, &ipn.MaskedPrefs{
		RouteAllSet:               true,
		AdvertiseServicesSet:      true,
		ExitNodeIDSet:             true,
		ExitNodeIPSet:             true,
		AutoExitNodeSet:           true,
		ExitNodeAllowLANAccessSet: true,
		Prefs:                     ipn.Prefs{RouteAll: true},
	}); err != nil {
		return fmt.Errorf("setting the node's preferences: %w", err)
	}
	running := make(chan error, 1)
	n.tasks.Go(func() { n.watchState(client, running) })
	select {
	case err := <-running:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	n.tasks.Go(func() { n.watchPeers(client) })
	select {
	case <-n.synced:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	n.state.set(message.StateRunning, "")
	n.warmPaths()
	return nil
}

// launch starts the server. tsnet's Start does not wait for the network.
func (n *Node) launch(ctx context.Context, authKey string) (*local.Client, error) {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	if n.started {
		return nil, message.Errorf(message.Busy, "the node was started already")
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	n.started = true
	prepareEnvironment(n.options, n.inLab.Load())
	lock, err := lockStateDir(n.options.StateDir)
	if err != nil {
		return nil, err
	}
	n.lock = lock
	// Whoever hears of it knows that the state directory is this node's.
	n.state.set(message.StateStarting, "")
	if n.store, err = openStateStore(n.options.StateDir, n.options.Logf); err != nil {
		return nil, err
	}
	stack, err := netstack.New(n.options.Stack)
	if err != nil {
		return nil, err
	}
	controlURL := n.options.ControlURL
	if controlURL == "" {
		controlURL = ipn.DefaultControlURL
	}
	server := &tsnet.Server{
		Dir:           n.options.StateDir,
		Store:         n.store,
		Hostname:      n.options.Hostname,
		AuthKey:       authKey,
		ControlURL:    controlURL,
		Ephemeral:     n.options.Ephemeral,
		AdvertiseTags: n.options.Tags,
		Tun:           stack.Device(),
		Logf:          n.options.Logf,
		UserLogf:      func(string, ...any) {},
	}
	client, err := server.LocalClient()
	if err != nil {
		stack.Close()
		return nil, fmt.Errorf("starting the node: %w", err)
	}
	n.server = server
	n.stack.Store(stack)
	n.engine.set(server.Sys().Engine.Get())
	n.dialer.Store(server.Sys().Dialer.Get())
	n.dns.manager.Store(server.Sys().DNSManager.Get())
	n.local.Store(client)
	return client, nil
}
