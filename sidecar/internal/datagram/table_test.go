package datagram

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestEchoes(t *testing.T) {
	for _, tt := range []struct {
		name        string
		family      int
		destination netip.AddrPort
		at          string
		loopback    string
	}{
		{"IPv4", unix.AF_INET, hello4, v4, "127.0.0.1"},
		{"IPv6", unix.AF_INET6, hello6, v6, "::1"},
		{"IPv4 from a socket of IPv6", unix.AF_INET6, hello4, v4, "127.0.0.1"},
	} {
		for _, connected := range []bool{false, true} {
			name := tt.name
			if connected {
				name += ", connected"
			}
			t.Run(name, func(t *testing.T) {
				x := newFixture(t)
				x.reach(tt.destination, serve(t, tt.at, "echo "))
				p := newProgram(t, tt.family)
				flow := x.mustOpen(p, tt.destination)
				if flow.Addr().String() != tt.loopback {
					t.Errorf("the flow socket is %v", flow)
				}
				if got, ok := x.board.at(flow); !ok || got != (flowKey{p.cookie(), tt.destination}) {
					t.Errorf("the board has %v, %v", got, ok)
				}
				if connected {
					p.connect(flow)
				}
				for _, said := range []string{"one", "", "two"} {
					if connected {
						if _, err := unix.Write(p.fd, []byte(said)); err != nil {
							t.Fatal(err)
						}
					} else {
						p.send(flow, []byte(said))
					}
					p.expect("echo "+said, flow)
				}
			})
		}
	}
}

func TestOneSocketAndManyDestinations(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, "hello "))
	x.reach(other4, serve(t, v4, "other "))
	p := newProgram(t, unix.AF_INET)
	hello, other := x.mustOpen(p, hello4), x.mustOpen(p, other4)
	if hello == other {
		t.Fatal("they share a flow socket")
	}
	if again := x.mustOpen(p, hello4); again != hello {
		t.Errorf("asked again it is %v, not %v", again, hello)
	}
	p.send(hello, []byte("x"))
	p.expect("hello x", hello)
	p.send(other, []byte("y"))
	p.expect("other y", other)
	if n := x.dials.Load(); n != 2 {
		t.Errorf("%d far sides were opened", n)
	}
}

func TestOneSocketAndBothFamilies(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, "4 "))
	x.reach(hello6, serve(t, v6, "6 "))
	p := newProgram(t, unix.AF_INET6)
	to4, to6 := x.mustOpen(p, hello4), x.mustOpen(p, hello6)
	if mapped := x.mustOpen(p, netip.AddrPortFrom(netip.AddrFrom16(hello4.Addr().As16()), hello4.Port())); mapped != to4 {
		t.Errorf("a mapped destination has %v, not %v", mapped, to4)
	}
	p.send(to4, []byte("x"))
	p.expect("4 x", to4)
	p.send(to6, []byte("x"))
	p.expect("6 x", to6)
}

func TestAHostWithoutIPv6LoopbackServesIPv6AtIPv4(t *testing.T) {
	if !withoutIPv6Loopback(t) {
		return
	}
	x := newFixture(t)
	x.reach(hello6, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET6)
	flow := x.mustOpen(p, hello6)
	p.send(flow, []byte("x"))
	p.expect("x", flow)
	only := newProgram(t, unix.AF_INET6)
	if err := unix.SetsockoptInt(only.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
		t.Fatal(err)
	}
	if flow, err := x.open(only, hello6); message.CodeOf(err) != message.NoRoute {
		t.Errorf("a socket of IPv6 alone got %v, %v", flow, err)
	}
}

func TestTwoSocketsAndOneDestination(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	first, second := newProgram(t, unix.AF_INET), newProgram(t, unix.AF_INET)
	to1, to2 := x.mustOpen(first, hello4), x.mustOpen(second, hello4)
	first.send(to1, []byte("first"))
	second.send(to2, []byte("second"))
	first.expect("first", to1)
	second.expect("second", to2)
}

func TestStrangersAreDropped(t *testing.T) {
	for _, bound := range []bool{false, true} {
		x := newFixture(t)
		x.reach(hello4, serve(t, v4, ""))
		p, stranger := newProgram(t, unix.AF_INET), newProgram(t, unix.AF_INET)
		if bound {
			p.bind(netip.MustParseAddrPort("127.0.0.1:0"))
			stranger.bind(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), p.local().Port()))
		}
		flow := x.mustOpen(p, hello4)
		stranger.send(flow, []byte("before"))
		eventually(t, "the stranger is noticed", func() bool { return x.Foreign() == 1 })
		p.send(flow, []byte("mine"))
		p.expect("mine", flow)
		stranger.send(flow, []byte("after"))
		eventually(t, "the stranger is noticed again", func() bool { return x.Foreign() == 2 })
		p.send(flow, []byte("still mine"))
		p.expect("still mine", flow)
	}
}

func TestASocketWithAnotherPortKeepsItsFlow(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	p.connect(flow)
	p.send(flow, []byte("x"))
	p.expect("x", flow)
	before := p.local()
	nobody := unix.RawSockaddrInet6{Family: unix.AF_UNSPEC}
	if errno := connect(uintptr(p.fd), &nobody, 16); errno != 0 {
		t.Fatal(errno)
	}
	other := newProgram(t, unix.AF_INET)
	other.bind(before) // so that it is certainly another
	p.send(flow, []byte("y"))
	p.expect("y", flow)
	if p.local() == before {
		t.Error("the port is the same")
	}
}

func TestTheProgramsPortIsFreeWhenItClosed(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	p.bind(netip.MustParseAddrPort("0.0.0.0:0"))
	flow := x.mustOpen(p, hello4)
	p.send(flow, []byte("x"))
	p.expect("x", flow)
	port := p.local()
	p.close()
	newProgram(t, unix.AF_INET).bind(port)
}

func TestARefusalOfTheDialIsTold(t *testing.T) {
	x := newFixture(t)
	p := newProgram(t, unix.AF_INET)
	before := descriptors(t)
	if _, err := x.open(p, hello4); message.CodeOf(err) != message.NoRoute {
		t.Errorf("got %v", err)
	}
	x.reach(hello4, serve(t, v4, ""))
	x.board.full = true
	if _, err := x.open(p, hello4); message.CodeOf(err) != message.Busy {
		t.Errorf("with a full board: %v", err)
	}
	if n := x.Len(); n != 0 {
		t.Errorf("%d flows are left", n)
	}
	// The server's own is one, and what the runtime's poller takes with the first.
	if after := descriptors(t); after > before+3 {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
