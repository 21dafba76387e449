// Package deps is a placeholder that keeps requirements in go.mod until the code imports them.
package deps

import (
	_ "github.com/tailscale/wireguard-go/tun"
	_ "go4.org/netipx"
	_ "golang.org/x/net/dns/dnsmessage"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sync/semaphore"
	_ "golang.org/x/sys/unix"
	_ "gvisor.dev/gvisor/pkg/tcpip"
	_ "gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	_ "gvisor.dev/gvisor/pkg/tcpip/stack"
	_ "tailscale.com/derp/derpserver"
	_ "tailscale.com/net/stunserver"
	_ "tailscale.com/tsnet"
	_ "tailscale.com/tstest/integration/testcontrol"
)
