package node

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/nearest"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// relayFresh is how old a handshake may be whose session is still one: WireGuard's limit on a key (section 6.1 of its paper).
const relayFresh = 3 * time.Minute

// Paths says how packets reach each peer.
func (n *Node) Paths(ctx context.Context) (map[key.NodePublic]message.Path, error) {
	client := n.local.Load()
	if client == nil {
		return nil, nil
	}
	status, err := client.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking at the peers: %w", err)
	}
	paths := make(map[key.NodePublic]message.Path, len(status.Peer))
	for k, peer := range status.Peer {
		paths[k] = pathOf(peer, time.Now())
	}
	return paths, nil
}

func pathOf(peer *ipnstate.PeerStatus, now time.Time) message.Path {
	switch {
	case peer.CurAddr != "":
		return message.Path{Kind: message.PathDirect, Endpoint: peer.CurAddr}
	case peer.LastHandshake.IsZero() || now.Sub(peer.LastHandshake) > relayFresh:
		return message.Path{Kind: message.PathNone}
	}
	return message.Path{Kind: message.PathRelay, Endpoint: peer.PeerRelay, Relay: peer.Relay}
}

// Describe adds what Tailscale knows of this node. Without an answer there is nothing to add.
func (n *Node) Describe(ctx context.Context, to *message.Status) {
	to.ControlURL = n.options.ControlURL
	if to.ControlURL == "" {
		to.ControlURL = ipn.DefaultControlURL
	}
	client := n.local.Load()
	if client == nil {
		return
	}
	status, err := client.StatusWithoutPeers(ctx)
	if err != nil {
		return
	}
	for _, warning := range status.Health {
		to.Health = append(to.Health, n.secrets.conceal(warning))
	}
	if status.Self == nil {
		return
	}
	if expiry := status.Self.KeyExpiry; expiry != nil && !expiry.IsZero() {
		to.KeyExpiry = expiry.UTC().Format(time.RFC3339)
	}
	if code := status.Self.Relay; code != "" {
		to.Relay = code
		if region := regionOf(n.derpMap(ctx), code); region != nil && region.RegionName != "" {
			to.Relay = region.RegionName
		}
	}
}

func (n *Node) derpMap(ctx context.Context) *tailcfg.DERPMap {
	client := n.local.Load()
	if client == nil {
		return nil
	}
	regions, err := client.CurrentDERPMap(ctx)
	if err != nil {
		return nil
	}
	return regions
}

func regionOf(regions *tailcfg.DERPMap, code string) *tailcfg.DERPRegion {
	if regions == nil {
		return nil
	}
	for _, region := range regions.Regions {
		if region.RegionCode == code {
			return region
		}
	}
	return nil
}

// Ping asks a peer, by its name or an address, how long it takes to answer (disco).
func (n *Node) Ping(ctx context.Context, wanted string, timeout time.Duration) (message.PingResult, error) {
	ctx, stop := n.bound(ctx)
	defer stop()
	if _, err := n.Running(); err != nil {
		return message.PingResult{}, err
	}
	peer, err := n.peers.Find(wanted, n.Self().MagicDNSSuffix)
	if err != nil {
		return message.PingResult{}, err
	}
	if peer == nil || len(peer.Addresses) == 0 {
		return message.PingResult{}, n.unknownPeer(wanted)
	}
	addr := peer.Addresses[0]
	if asked, err := netip.ParseAddr(wanted); err == nil {
		addr = asked.Unmap()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, message.Errorf(message.TimedOut, "%s did not answer within %v", peer.Name, timeout))
	defer cancel()
	answer, err := n.local.Load().Ping(ctx, addr, tailcfg.PingDisco)
	if cause := context.Cause(ctx); cause != nil {
		return message.PingResult{}, cause
	}
	if err != nil {
		return message.PingResult{}, fmt.Errorf("asking %s: %w", peer.Name, err)
	}
	if answer.Err != "" {
		return message.PingResult{}, message.Errorf(message.Unreachable, "%s cannot be asked: %s", peer.Name, answer.Err)
	}
	return message.PingResult{
		Name:      peer.Name,
		Address:   addr.String(),
		LatencyMs: message.MeasureOf(time.Duration(answer.LatencySeconds * float64(time.Second))),
		Path:      answeredBy(answer),
	}, nil
}

func answeredBy(answer *ipnstate.PingResult) message.Path {
	if answer.Endpoint != "" {
		return message.Path{Kind: message.PathDirect, Endpoint: answer.Endpoint}
	}
	return message.Path{Kind: message.PathRelay, Endpoint: answer.PeerRelay, Relay: answer.DERPRegionCode}
}

func (n *Node) unknownPeer(wanted string) error {
	var names []string
	for _, peer := range n.peers.All() {
		names = append(names, peer.Host())
	}
	host, _, _ := strings.Cut(peers.CanonicalName(wanted), ".")
	if near := nearest.Names(host, names); len(near) > 0 {
		return message.Errorf(message.NoSuchHost, "there is no peer %.100q; did you mean %s?", wanted, strings.Join(near, " or "))
	}
	return message.Errorf(message.NoSuchHost, "there is no peer %.100q", wanted)
}
