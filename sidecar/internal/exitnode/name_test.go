package exitnode

import (
	"testing"

	"tailscale.com/tailcfg"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

func TestANodeIsFoundByAnythingThatNamesIt(t *testing.T) {
	f := newFake("berlin", "paris")
	f.add(&peers.Peer{ID: 10, StableID: "shared-1", Name: "tokyo.other.ts.net"})
	f.add(&peers.Peer{ID: 11, StableID: "shared-2", Name: "rome.one.ts.net"})
	f.add(&peers.Peer{ID: 12, StableID: "shared-3", Name: "rome.two.ts.net"})
	for wanted, id := range map[string]tailcfg.StableNodeID{
		"berlin": "n-berlin", "Berlin": "n-berlin", "berlin.x.ts.net": "n-berlin", "BERLIN.x.ts.net.": "n-berlin", "100.64.0.1": "n-berlin",
		"::ffff:100.64.0.2": "n-paris", "n-paris": "n-paris", "tokyo": "shared-1", "rome.two.ts.net": "shared-3",
	} {
		if peer, err := resolve(f, wanted); err != nil || peer.StableID != id {
			t.Errorf("%s is %+v, %v", wanted, peer, err)
		}
	}
	_, err := resolve(f, "rome")
	codeOf(t, err, message.NoSuchHost, "rome.one.ts.net", "rome.two.ts.net")
	_, err = resolve(f, "self")
	codeOf(t, err, message.Denied, "this node itself")
	_, err = resolve(newFake(), "berlin")
	codeOf(t, err, message.NoSuchHost, "the tailnet has no exit node")
	_, err = resolve(newFake("a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "i1", "j1"), "somewhere-else")
	codeOf(t, err, message.NoSuchHost, "and 2 more")
}
