package noderole

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

func describeSelf(self *node.Self) message.Node {
	described := message.Node{
		ID:             string(self.ID),
		Hostname:       self.Hostname(),
		Name:           self.Name,
		Addresses:      []string{},
		Tailnet:        self.Tailnet,
		MagicDNSSuffix: self.MagicDNSSuffix,
		User:           self.User,
	}
	for _, addr := range self.Addresses {
		described.Addresses = append(described.Addresses, addr.String())
	}
	return described
}

func (r *role) status(ctx context.Context, _ message.Empty) (message.Status, error) {
	status := message.Status{
		State:       message.StateStopped,
		Negotiating: uint64(r.clients.len()),
		Runs:        r.runs.status(),
		Health:      []string{},
	}
	status.Flows, status.Opened, status.BytesUp, status.BytesDown = r.flows.totals()
	if n := r.node.Load(); n != nil {
		status.State = n.State()
		status.Peers = uint64(n.Peers().Len())
		status.ExitNode = n.ExitNodes().Status()
		if self := n.Self(); self != nil {
			described := describeSelf(self)
			status.Node = &described
		}
		n.Describe(ctx, &status)
	}
	return status, nil
}

func describePeer(peer *peers.Peer) message.Peer {
	described := message.Peer{
		ID:             string(peer.StableID),
		Name:           peer.Name,
		Addresses:      []string{},
		Online:         peer.Online,
		User:           peer.User,
		Tags:           peer.Tags,
		ExitNodeOption: peer.ExitNodeOption,
	}
	for _, addr := range peer.Addresses {
		described.Addresses = append(described.Addresses, addr.String())
	}
	return described
}

// whois says who has an address. This node is one of those.
func (r *role) whois(_ context.Context, params message.Whois) (message.WhoisResult, error) {
	n := r.node.Load()
	if n == nil {
		return message.WhoisResult{}, errNotStarted
	}
	addr, err := netip.ParseAddr(params.Address)
	if err != nil {
		return message.WhoisResult{}, message.Wrap(message.Protocol, err)
	}
	peer := n.Whois(addr.Unmap())
	if peer == nil {
		return message.WhoisResult{}, nil
	}
	described := describePeer(peer)
	return message.WhoisResult{Peer: &described}, nil
}

func (r *role) resolve(ctx context.Context, params message.Resolve) (message.ResolveResult, error) {
	result := message.ResolveResult{Addresses: []string{}, Names: []string{}}
	n, names := r.node.Load(), r.names.Load()
	if n == nil || names == nil {
		return result, message.Errorf(message.NotConnected, "the node was not started")
	}
	if _, err := n.Running(); err != nil {
		return result, err
	}
	if _, err := r.runs.get(params.Run); err != nil {
		return result, err
	}
	want4 := slices.Contains(params.Types, message.RecordA)
	want6 := slices.Contains(params.Types, message.RecordAAAA)
	if want4 || want6 {
		answer, err := names.Addresses(ctx, params.Name, want4, want6)
		if err != nil {
			return result, err
		}
		for _, addr := range answer.Addresses {
			result.Addresses = append(result.Addresses, addr.String())
		}
		result.CanonicalName = answer.Canonical
	}
	if slices.Contains(params.Types, message.RecordPTR) {
		answer, err := names.Names(ctx, params.Name)
		if err != nil {
			return result, err
		}
		result.Names = append(result.Names, answer.Names...)
	}
	return result, nil
}

// fileCapabilities says whether the loader ignores LD_PRELOAD for a program: capabilities(7).
func fileCapabilities(_ context.Context, params message.FileCapabilities) (message.FileCapabilitiesResult, error) {
	_, err := unix.Getxattr(params.Path, "security.capability", nil)
	switch {
	case err == nil:
		return message.FileCapabilitiesResult{Present: true}, nil
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOTSUP):
		return message.FileCapabilitiesResult{}, nil
	}
	return message.FileCapabilitiesResult{}, message.Errorf(message.CodeOf(err), "reading the capabilities of %s: %w", params.Path, err)
}
