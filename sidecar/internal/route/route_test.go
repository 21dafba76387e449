package route

import (
	"net/netip"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// tailnet has with a node, a subnet router and perhaps an exit node.
type tailnet struct{ exit ExitNode }

var (
	node   = &peers.Peer{Name: "node"}
	router = &peers.Peer{Name: "router"}
	exit   = &peers.Peer{Name: "exit"}
)

func (tailnet) IsSelf(addr netip.Addr) bool { return addr == netip.MustParseAddr("100.64.0.9") }

func (tailnet) ByAddress(addr netip.Addr) (*peers.Peer, bool) {
	switch addr.String() {
	case "100.64.0.1", "fd7a:115c:a1e0::1":
		return node, true
	}
	return nil, false
}

func (tailnet) BySubnet(addr netip.Addr) (*peers.Peer, bool) {
	for _, subnet := range []string{"192.0.2.0/24", "fd7a:115c:a1e0:b1a:0:1::/96", "100.80.1.1/32"} {
		if netip.MustParsePrefix(subnet).Contains(addr) {
			return router, true
		}
	}
	return nil, false
}

func (t tailnet) ExitNode() ExitNode { return t.exit }

func TestDecide(t *testing.T) {
	up, down := ExitNode{Set: true, Up: true, Peer: exit}, ExitNode{Set: true}
	lan := ExitNode{Set: true, LANAccess: true}
	bypass := Policy{Bypass: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25"), netip.MustParsePrefix("100.64.0.0/10")}}
	strict := Policy{OnlyTailnet: true}
	for _, tt := range []struct {
		name   string
		addr   string
		policy Policy
		exit   ExitNode
		route  message.Route
		peer   *peers.Peer
		code   message.Code
	}{
		{"a node", "100.64.0.1", Policy{}, ExitNode{}, message.RouteTailnet, node, ""},
		{"a node by IPv6", "fd7a:115c:a1e0::1", Policy{}, ExitNode{}, message.RouteTailnet, node, ""},
		{"a node by a mapped address", "::ffff:100.64.0.1", Policy{}, ExitNode{}, message.RouteTailnet, node, ""},
		{"a node in spite of a bypass", "100.64.0.1", bypass, ExitNode{}, message.RouteTailnet, node, ""},
		{"a node in spite of an exit node", "100.64.0.1", Policy{}, down, message.RouteTailnet, node, ""},
		{"this node", "100.64.0.9", Policy{}, ExitNode{}, message.RouteTailnet, nil, ""},
		{"Tailscale's service", "100.100.100.100", Policy{}, ExitNode{}, message.RouteTailnet, nil, ""},
		{"a subnet", "192.0.2.1", Policy{}, ExitNode{}, message.RouteTailnet, router, ""},
		{"a subnet in spite of an exit node", "192.0.2.1", Policy{}, up, message.RouteTailnet, router, ""},
		{"a subnet, strictly", "192.0.2.1", strict, ExitNode{}, message.RouteTailnet, router, ""},
		{"4via6", "fd7a:115c:a1e0:b1a:0:1:a00:1", Policy{}, ExitNode{}, message.RouteTailnet, router, ""},
		{"a service of the tailnet", "100.80.1.1", Policy{}, ExitNode{}, message.RouteTailnet, router, ""},
		{"no node", "100.64.0.2", Policy{}, ExitNode{}, "", nil, message.NoRoute},
		{"no node in spite of a bypass", "100.64.0.2", bypass, ExitNode{}, "", nil, message.NoRoute},
		{"no node in spite of an exit node", "100.64.0.2", Policy{}, up, "", nil, message.NoRoute},
		{"no node by IPv6", "fd7a:115c:a1e0::2", Policy{}, up, "", nil, message.NoRoute},
		{"the range tsaddr leaves out", "100.115.92.1", Policy{}, ExitNode{}, "", nil, message.NoRoute},
		{"a bypass of a subnet", "192.0.2.200", bypass, ExitNode{}, message.RouteDirect, nil, ""},
		{"a bypass in spite of an exit node", "192.0.2.200", bypass, down, message.RouteDirect, nil, ""},
		{"outside", "198.51.100.1", Policy{}, ExitNode{}, message.RouteDirect, nil, ""},
		{"outside by IPv6", "2001:db8::1", Policy{}, ExitNode{}, message.RouteDirect, nil, ""},
		{"outside, strictly", "198.51.100.1", strict, ExitNode{}, "", nil, message.Denied},
		{"outside through the exit node", "198.51.100.1", Policy{}, up, message.RouteExit, exit, ""},
		{"outside through the exit node, strictly", "198.51.100.1", strict, up, message.RouteExit, exit, ""},
		{"outside when the exit node is down", "198.51.100.1", Policy{}, down, "", nil, message.ExitNodeDown},
		{"the host's network through the exit node", "192.168.1.1", Policy{}, up, message.RouteExit, exit, ""},
		{"the host's network when the exit node is down", "10.0.0.1", Policy{}, down, "", nil, message.ExitNodeDown},
		{"the host's network, which is the host's", "192.168.1.1", Policy{}, lan, message.RouteDirect, nil, ""},
		{"the host's network by IPv6, which is the host's", "fd00::2", Policy{}, lan, message.RouteDirect, nil, ""},
		{"a link-local address, which is the host's", "169.254.1.1", Policy{}, lan, message.RouteDirect, nil, ""},
		{"the host's network, strictly", "172.16.0.1", strict, lan, "", nil, message.Denied},
		{"outside while the host's network is the host's", "198.51.100.1", Policy{}, lan, "", nil, message.ExitNodeDown},
		{"a tailnet's address while the host's network is the host's", "fd7a:115c:a1e0::9999", Policy{}, lan, "", nil, message.NoRoute},
		{"loopback", "127.0.0.1", bypass, up, "", nil, message.Denied},
		{"all of loopback", "127.255.255.254", Policy{}, ExitNode{}, "", nil, message.Denied},
		{"loopback by IPv6", "::1", Policy{}, ExitNode{}, "", nil, message.Denied},
		{"mapped loopback", "::ffff:127.0.0.1", Policy{}, up, "", nil, message.Denied},
		{"unspecified", "0.0.0.0", Policy{}, ExitNode{}, "", nil, message.Denied},
		{"unspecified by IPv6", "::", Policy{}, up, "", nil, message.Denied},
		{"mapped unspecified", "::ffff:0.0.0.0", Policy{}, up, "", nil, message.Denied},
		{"multicast", "224.0.0.1", Policy{}, up, "", nil, message.Denied},
		{"multicast by IPv6", "ff02::1", Policy{}, up, "", nil, message.Denied},
		{"broadcast", "255.255.255.255", Policy{}, up, "", nil, message.Denied},
		{"a zone", "fe80::1%eth0", Policy{}, up, "", nil, message.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decide(netip.MustParseAddr(tt.addr), tt.policy, tailnet{tt.exit})
			if tt.code != "" {
				if message.CodeOf(err) != tt.code || err == nil {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if err != nil || got.Route != tt.route || got.Peer != tt.peer {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// FuzzDecide holds that nothing of a tailnet's ranges, of an exit node's or of loopback is ever direct.
func FuzzDecide(f *testing.F) {
	f.Add("100.64.0.2", true, false, false)
	f.Add("::ffff:127.0.0.1", false, true, false)
	f.Add("10.0.0.1", true, false, true)
	f.Fuzz(func(t *testing.T, text string, set, up, lan bool) {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		got, err := Decide(addr, Policy{}, tailnet{ExitNode{Set: set, Up: up, LANAccess: lan}})
		if err != nil || got.Route != message.RouteDirect {
			return
		}
		plain := addr.Unmap()
		if set && !(lan && isLocal(plain)) || IsTailscale(plain) || plain.IsLoopback() || plain.IsUnspecified() || plain.IsMulticast() {
			t.Errorf("%v is reached directly", addr)
		}
	})
}
