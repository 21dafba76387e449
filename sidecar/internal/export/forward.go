package export

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/sourceport"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// targets are one address or one of each family.
type targets []netip.AddrPort

func parseTargets(texts []string) (targets, error) {
	parsed := make(targets, 0, len(texts))
	for _, text := range texts {
		address, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, message.Wrap(message.Protocol, err)
		}
		parsed = append(parsed, netip.AddrPortFrom(address.Addr().Unmap(), address.Port()))
	}
	return parsed, nil
}

// inOrder returns the targets with that of a connection's family first.
func (t targets) inOrder(remote netip.Addr) targets {
	ordered := slices.Clone(t)
	slices.SortStableFunc(ordered, func(a, b netip.AddrPort) int {
		switch is4 := remote.Is4(); {
		case a.Addr().Is4() == b.Addr().Is4():
			return 0
		case a.Addr().Is4() == is4:
			return -1
		default:
			return 1
		}
	})
	return ordered
}

// connect reaches one of the targets and has told it of the peer where that is wanted.
func (e *export) connect(ctx context.Context, c *Connection) (splice.Side, error) {
	var failed error
	for _, target := range e.aims().inOrder(c.Remote.Addr()) {
		socket, err := e.table.dials.Connect(ctx, target, e.note(c, target))
		if err != nil {
			failed = also(failed, err)
			continue
		}
		if !e.params.ProxyProtocol {
			return socket, nil
		}
		// It is small and the socket's buffer empty, so that this does not wait.
		if _, err := socket.Write(proxyHeader(c.Remote, c.Local)); err != nil {
			socket.Abort()
			failed = also(failed, err)
			continue
		}
		return socket, nil
	}
	return nil, failed
}

// also puts two failures into one line; the first one's code is that of both.
func also(first, second error) error {
	if first == nil {
		return second
	}
	return fmt.Errorf("%w; %w", first, second)
}

// note has a wrapped program see the peer.
func (e *export) note(c *Connection, target netip.AddrPort) sourceport.Note {
	on := e.table.host.Board()
	if on == nil || !e.params.ShowPeers {
		return sourceport.Note{}
	}
	shown, ok := shownAs(c.Remote, c.Peer, target.Addr())
	if !ok {
		return sourceport.Note{}
	}
	return sourceport.Note{
		Write: func(local netip.AddrPort, cookie uint64) { on.SetClient(local, cookie, shown, target) },
		Erase: on.ClearClient,
	}
}

// shownAs returns the peer's address of a target's family. A listener of IPv4 can be shown no other one; one of IPv6 is, when
// the peer has none.
func shownAs(remote netip.AddrPort, peer *peers.Peer, target netip.Addr) (netip.AddrPort, bool) {
	if remote.Addr().Is4() == target.Is4() {
		return remote, true
	}
	if peer != nil {
		for _, addr := range peer.Addresses {
			if addr.Is4() == target.Is4() {
				return netip.AddrPortFrom(addr, remote.Port()), true
			}
		}
	}
	return remote, !target.Is4()
}
