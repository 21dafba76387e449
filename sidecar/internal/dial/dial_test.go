package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// fake is a node that runs, with one peer, and a resolver.
type fake struct {
	names  map[string][]netip.Addr
	exit   route.ExitNode
	broken error
	stack  *netstack.Stack
	down   error
}

var web = &peers.Peer{Name: "web.x.ts.net"}

func (f *fake) IsSelf(netip.Addr) bool { return false }
func (f *fake) ByAddress(addr netip.Addr) (*peers.Peer, bool) {
	return web, addr == netip.MustParseAddr("100.64.0.1")
}
func (f *fake) BySubnet(netip.Addr) (*peers.Peer, bool) { return nil, false }
func (f *fake) ExitNode() route.ExitNode                { return f.exit }
func (f *fake) Running() (*netstack.Stack, error)       { return f.stack, f.down }
func (f *fake) AwaitPath(context.Context, *peers.Peer)  {}
func (f *fake) Addresses(_ context.Context, name string, _, _ bool) (resolve.Answer, error) {
	return resolve.Answer{Addresses: f.names[name]}, f.broken
}

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestNeverGoesAroundTheTailnet(t *testing.T) {
	down := route.ExitNode{Set: true}
	for _, tt := range []struct {
		name      string
		addresses []netip.Addr
		exit      route.ExitNode
		want      []netip.Addr
		code      message.Code
	}{
		{"only direct", addrs("192.0.2.1", "2001:db8::1"), route.ExitNode{}, addrs("192.0.2.1", "2001:db8::1"), ""},
		{"a peer's address beside others", addrs("192.0.2.1", "100.64.0.1"), route.ExitNode{}, addrs("100.64.0.1"), ""},
		{"an unknown tailnet address beside others", addrs("192.0.2.1", "100.64.0.2"), route.ExitNode{}, nil, message.NoRoute},
		{"the exit node is down", addrs("192.0.2.1"), down, nil, message.ExitNodeDown},
		{"loopback beside others", addrs("127.0.0.1", "192.0.2.1"), route.ExitNode{}, addrs("192.0.2.1"), ""},
		{"only loopback", addrs("127.0.0.1", "::1"), route.ExitNode{}, nil, message.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &Dialer{Node: &fake{exit: tt.exit}}
			targets, err := d.targets(tt.addresses, "name", Request{Port: 80})
			if tt.code != "" {
				if err == nil || message.CodeOf(err) != tt.code {
					t.Errorf("got %v, %v", targets, err)
				}
				return
			}
			var got []netip.Addr
			for _, target := range targets {
				got = append(got, target.Destination.Addr())
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestDialFailsBeforeItTries(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		fake fake
		host string
		port uint16
		code message.Code
		is   error
	}{
		{"not connected", fake{down: message.Errorf(message.NotConnected, "no")}, "100.64.0.1", 80, message.NotConnected, nil},
		{"port 0", fake{}, "100.64.0.1", 0, message.Refused, nil},
		{"no such host", fake{}, "nobody", 80, message.NoSuchHost, nil},
		{"the resolver fails", fake{broken: broken}, "web", 80, message.Internal, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &Dialer{Node: &tt.fake, Resolver: &tt.fake}
			_, err := d.Dial(t.Context(), Request{Host: tt.host, Port: tt.port})
			if err == nil || message.CodeOf(err) != tt.code || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func direct(t *testing.T, addrs ...string) []target {
	var targets []target
	for _, addr := range addrs {
		targets = append(targets, target{
			Question: Question{Destination: netip.MustParseAddrPort(addr)},
			route:    message.RouteDirect,
		})
	}
	return targets
}

func listen(t *testing.T) string {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

func unused(t *testing.T) string {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}

func TestTriesTheNextAddress(t *testing.T) {
	d := &Dialer{Node: &fake{}, Host: new(hostdial.Dialer)}
	open := listen(t)
	got, err := d.race(t.Context(), direct(t, unused(t), unused(t), open), Request{})
	if err != nil || got.Destination.String() != open || got.Route != message.RouteDirect {
		t.Fatalf("got %+v, %v", got, err)
	}
	got.Side.Abort()
	if _, err := d.race(t.Context(), direct(t, unused(t), unused(t)), Request{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}

func TestDoesNotWaitForAnAddressThatHangs(t *testing.T) {
	d := &Dialer{Node: &fake{}, Host: new(hostdial.Dialer)}
	open := listen(t)
	targets := direct(t, unused(t), open)
	got, err := d.race(t.Context(), targets, Request{Ask: func(ctx context.Context, q Question) error {
		if q.Destination == targets[0].Destination {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return nil
	}})
	if err != nil || got.Destination.String() != open {
		t.Fatalf("got %+v, %v", got, err)
	}
	got.Side.Abort()
}

func TestTheRefusedDestinationIsNotDialled(t *testing.T) {
	d := &Dialer{Node: &fake{}, Host: new(hostdial.Dialer)}
	refusal := message.Errorf(message.Denied, "no")
	for _, targets := range [][]target{direct(t, listen(t)), direct(t, listen(t), listen(t))} {
		if _, err := d.race(t.Context(), targets, Request{Ask: func(context.Context, Question) error { return refusal }}); !errors.Is(err, refusal) {
			t.Errorf("got %v", err)
		}
	}
}

func TestFailsWithTheCauseOfItsContext(t *testing.T) {
	reason := message.Errorf(message.TimedOut, "too late")
	ctx, cancel := context.WithDeadlineCause(t.Context(), time.Now().Add(10*time.Millisecond), reason)
	defer cancel()
	wait := func(ctx context.Context, _ Question) error {
		<-ctx.Done()
		return ctx.Err()
	}
	node := &fake{names: map[string][]netip.Addr{"two": addrs("192.0.2.1", "192.0.2.2")}}
	d := &Dialer{Node: node, Resolver: node}
	if _, err := d.Dial(ctx, Request{Host: "two", Port: 80, Ask: wait}); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
}
