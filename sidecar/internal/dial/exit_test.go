package dial

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// exits is a node whose exit node is another after each dial by it, which nobody answers.
type exits struct {
	fake

	mu    sync.Mutex
	next  []route.ExitNode
	ends  []func(cause error)
	asked []string
}

func (e *exits) ExitNode() route.ExitNode {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.next[0]
}

// AwaitPath is called when a dial is under way: that is when the exit node is changed.
func (e *exits) AwaitPath(_ context.Context, peer *peers.Peer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, peer.Name)
	e.next = e.next[1:]
	e.ends[0](errChanged)
	e.ends = e.ends[1:]
}

var errChanged = message.Errorf(message.Aborted, "the exit node was changed")

func (e *exits) by(name string) *exits {
	lease, end := exitnode.NewLease()
	e.next = append(e.next, route.ExitNode{Set: true, Up: true, Peer: &peers.Peer{Name: name}, Lease: lease})
	e.ends = append(e.ends, end)
	return e
}

func TestADialGoesByTheExitNodeThatIsInForceAtItsEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		then route.ExitNode
		code message.Code
	}{
		{"and fails when that is down", route.ExitNode{Set: true}, message.ExitNodeDown},
		{"and never directly", route.ExitNode{}, message.Aborted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack, err := netstack.New(netstack.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stack.Close)
			if err := stack.SetAddresses([]netip.Addr{netip.MustParseAddr("100.64.0.9")}); err != nil {
				t.Fatal(err)
			}
			node := new(exits).by("first").by("second")
			node.stack = stack
			node.next = append(node.next, tt.then)
			d := &Dialer{Node: node, Resolver: node, Host: new(hostdial.Dialer)}
			_, err = d.Dial(t.Context(), Request{Host: "198.51.100.1", Port: 80})
			if message.CodeOf(err) != tt.code {
				t.Errorf("got %v", err)
			}
			if len(node.asked) != 2 || node.asked[0] != "first" || node.asked[1] != "second" {
				t.Errorf("it was dialled by %v", node.asked)
			}
			if d.Host.Dials() != 0 {
				t.Error("the host was dialled")
			}
		})
	}
}

func TestADialByAnExitNodeEndsWithItsContext(t *testing.T) {
	lease, _ := exitnode.NewLease()
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(over)
	node := &fake{exit: route.ExitNode{Set: true, Up: true, Peer: web, Lease: lease}}
	d := &Dialer{Node: node, Resolver: node, Host: new(hostdial.Dialer)}
	if _, err := d.Dial(ctx, Request{Host: "198.51.100.1", Port: 80}); !errors.Is(err, over) {
		t.Errorf("got %v", err)
	}
}
