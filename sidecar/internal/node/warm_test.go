package node

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// helloOf starts a lab and returns a node of it, and the lab's node hello as that knows it.
func helloOf(t *testing.T, options lab.Options) (*Node, *peers.Peer) {
	t.Helper()
	l, err := lab.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	n := join(t, l)
	hello, _ := l.Node(lab.HelloName)
	peer, ok := n.ByAddress(hello.Addresses[0])
	if !ok {
		t.Fatalf("the node does not know %v", hello)
	}
	return n, peer
}

// connect opens a connection to the peer as dials do.
func connect(t *testing.T, n *Node, peer *peers.Peer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n.AwaitPath(ctx, peer)
	stack, err := n.Running()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := stack.DialTCP(ctx, netip.AddrPortFrom(peer.Addresses[0], lab.EchoPort))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestPeersThatAreConnectedToAreKeptWarm(t *testing.T) {
	n, peer := helloOf(t, lab.Options{})
	if _, err := n.ExitNodes().Set(t.Context(), []string{lab.ExitName}, false); err != nil {
		t.Fatal(err)
	}
	if warm := n.warmth.Warm(); warm != 0 {
		t.Errorf("%d peers are kept warm before anybody used one", warm)
	}
	connect(t, n, peer)
	if warm := n.warmth.Warm(); warm != 1 {
		t.Errorf("%d peers are kept warm", warm)
	}
	tunnel := warmTunnel{n}
	if found, ok := tunnel.Peer(peer.StableID); !ok || found.Key != peer.Key {
		t.Errorf("the peer is %+v", found)
	}
	if shaken := tunnel.Handshake(peer); time.Since(shaken) > time.Minute {
		t.Errorf("the handshake was at %v", shaken)
	}
	received, _ := n.engine.bytes(peer.Key)
	tunnel.Ping(peer)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if now, _ := n.engine.bytes(peer.Key); now > received {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the ping was not answered")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestASessionThatIsGoneIsMadeAgain(t *testing.T) {
	n, peer := helloOf(t, lab.Options{})
	connect(t, n, peer)
	n.engine.reset(peer.Key)
	if n.paths.hasSession(peer.Key) {
		t.Fatal("there is a session")
	}
	connect(t, n, peer)
	if !n.paths.hasSession(peer.Key) {
		t.Error("there is no session")
	}
}

func TestAPeerThatHearsOfTheNodeLateIsConnectedTo(t *testing.T) {
	n, peer := helloOf(t, lab.Options{Abrupt: true})
	connect(t, n, peer)
	if !n.paths.hasSession(peer.Key) {
		t.Error("there is no session")
	}
}
