package node

import (
	"context"
	"io"
	"net/netip"

	"tailscale.com/net/tsaddr"
	"tailscale.com/util/dnsname"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// queryFrom is who asks, for Tailscale's own statistics.
var queryFrom = netip.MustParseAddrPort("127.0.0.1:0")

// QueryDNS asks Tailscale's resolver. Query and answer are DNS messages; the query is not to be used again. The local
// API has the same, but knows few types and no flags.
func (n *Node) QueryDNS(ctx context.Context, query []byte) ([]byte, error) {
	manager := n.dns.manager.Load()
	if manager == nil {
		return nil, message.Errorf(message.NotConnected, "the node is not connected")
	}
	return manager.Query(ctx, query, "tcp", queryFrom)
}

// DNSServers returns the resolvers that Tailscale would ask for name by plain DNS. Its forwarder sends to them from the
// host's network too, even when they are the tailnet's or behind an exit node; DialDNS goes their way only. There are
// none when Tailscale's resolver is to be asked: it has none, or speaks DNS over HTTPS (an exit node's, a public one's).
func (n *Node) DNSServers(name string) []netip.AddrPort {
	manager := n.dns.manager.Load()
	fqdn, err := dnsname.ToFQDN(name)
	if manager == nil || err != nil {
		return nil
	}
	var servers []netip.AddrPort
	secure, within := false, false
	for _, resolver := range manager.Resolver().GetUpstreamResolvers(fqdn) {
		server, ok := resolver.IPPort()
		if !ok {
			secure = true
			continue
		}
		if addr := server.Addr(); addr == tsaddr.TailscaleServiceIP() || addr == tsaddr.TailscaleServiceIPv6() {
			continue
		}
		decision, err := route.Decide(server.Addr(), route.Policy{}, n)
		within = within || err == nil && decision.Route != message.RouteDirect
		servers = append(servers, server)
	}
	if secure && !within && !n.ExitNode().Set {
		return nil
	}
	return servers
}

// DialDNS connects to a resolver of the tailnet's choice; network is udp or tcp. What the tailnet or an exit node
// reaches is reached no other way.
func (n *Node) DialDNS(ctx context.Context, network string, server netip.AddrPort) (io.ReadWriteCloser, error) {
	decision := route.Decision{Route: message.RouteDirect}
	// A lab's is on loopback.
	if !server.Addr().IsLoopback() {
		var err error
		if decision, err = route.Decide(server.Addr(), route.Policy{}, n); err != nil {
			return nil, err
		}
	}
	if decision.Route == message.RouteDirect {
		return n.options.Host.Dial(ctx, network, server)
	}
	stack, err := n.Running()
	if err != nil {
		return nil, err
	}
	if decision.Lease == nil {
		return n.dialDNS(ctx, stack, network, server, decision.Peer)
	}
	held, release, err := decision.Lease.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	conn, err := n.dialDNS(held, stack, network, server, decision.Peer)
	if err != nil {
		return nil, err
	}
	return leased{conn, decision.Lease.Bind(func(error) { conn.Close() })}, nil
}

func (n *Node) dialDNS(
	ctx context.Context, stack *netstack.Stack, network string, server netip.AddrPort, peer *peers.Peer,
) (io.ReadWriteCloser, error) {
	if peer != nil {
		n.AwaitPath(ctx, peer)
	}
	if network == "tcp" {
		conn, err := stack.DialTCP(ctx, server)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
	conn, err := stack.DialUDP(server)
	if err != nil {
		return nil, err
	}
	return datagrams{conn}, nil
}

// leased is a connection by an exit node. It ends with its lease.
type leased struct {
	io.ReadWriteCloser
	unbind func()
}

func (l leased) Close() error {
	l.unbind()
	return l.ReadWriteCloser.Close()
}

// datagrams reads and writes one datagram a call.
type datagrams struct{ conn *netstack.PacketConn }

func (d datagrams) Read(p []byte) (int, error) {
	for {
		if n, ok, err := d.conn.TryRead(p); ok || err != nil {
			return n, err
		}
		d.conn.AwaitReadable()
	}
}

func (d datagrams) Write(p []byte) (int, error) {
	if err := d.conn.Write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (d datagrams) Close() error {
	d.conn.Close()
	return nil
}
