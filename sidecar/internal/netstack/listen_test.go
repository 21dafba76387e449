package netstack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

var any4, any6 = netip.AddrPortFrom(netip.IPv4Unspecified(), 80), netip.AddrPortFrom(netip.IPv6Unspecified(), 80)

func TestAListenerOfAnyAddressFollowsTheStacks(t *testing.T) {
	left, right := pair(t)
	l, err := right.ListenTCP(any4)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	moved := netip.MustParseAddr("100.64.0.3")
	if err := right.SetAddresses([]netip.Addr{moved, right6}); err != nil {
		t.Fatal(err)
	}
	dialAndAccept(t, left, l, netip.AddrPortFrom(moved, 80))
}

func TestListenersOfTheFamiliesAreApart(t *testing.T) {
	left, right := pair(t)
	for _, address := range []netip.AddrPort{any6, any4} {
		l, err := right.ListenTCP(address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		to := right6
		if address.Addr().Is4() {
			to = right4
		}
		if accepted := dialAndAccept(t, left, l, netip.AddrPortFrom(to, 80)); accepted.Local().Addr() != to {
			t.Errorf("it came to %v", accepted.Local())
		}
	}
}

func TestAPortHasOneListenerAndThenTheNext(t *testing.T) {
	left, right := pair(t)
	l, err := right.ListenTCP(any4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := right.ListenTCP(any4); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	open := dialAndAccept(t, left, l, netip.AddrPortFrom(right4, 80))
	l.Close()
	// The connection goes on meanwhile.
	next, err := right.ListenTCP(any4)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	dialAndAccept(t, left, next, netip.AddrPortFrom(right4, 80))
	if _, err := open.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

func TestAPortOfAConnectionIsListenedOnToo(t *testing.T) {
	left, right := pair(t)
	outward := listen(t, right, right4)
	dialled, accepted := left.reach(t, outward)
	port := netip.AddrPortFrom(any4.Addr(), dialled.Local().Port())
	for range 3 {
		l, err := left.ListenTCP(port)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := left.ListenTCP(port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second one: %v", err)
		}
		for range 10 {
			inward := dialAndAccept(t, right, l, netip.AddrPortFrom(left4, port.Port()))
			if _, err := inward.Write([]byte("x")); err != nil || inward.Local().Addr() != left4 {
				t.Errorf("at %v: %v", inward.Local(), err)
			}
		}
		l.Close()
		if _, err := l.AcceptTCP(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after its close: %v", err)
		}
		if _, err := right.DialTCP(t.Context(), netip.AddrPortFrom(left4, port.Port())); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
	}
	if _, err := dialled.Write([]byte("still here")); err != nil {
		t.Error(err)
	}
	if n, err := accepted.Read(make([]byte, 20)); n != 10 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// reach connects to a listener of another stack.
func (s *Stack) reach(t *testing.T, l *Listener) (dialled, accepted *Conn) {
	t.Helper()
	dialled, err := s.DialTCP(t.Context(), l.local)
	if err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Abort(); accepted.Abort() })
	return dialled, accepted
}

func TestTheStackReachesItself(t *testing.T) {
	s := newStack(t, left4, left6)
	for _, address := range []netip.AddrPort{any4, any6} {
		l, err := s.ListenTCP(address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		to := left6
		if address.Addr().Is4() {
			to = left4
		}
		for range 100 {
			accepted := dialAndAccept(t, s, l, netip.AddrPortFrom(to, 80))
			if accepted.Remote().Addr() != to {
				t.Errorf("it came from %v", accepted.Remote())
			}
		}
	}
}

func dialAndAccept(t *testing.T, from *Stack, l *Listener, to netip.AddrPort) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialled, err := from.DialTCP(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Abort(); accepted.Abort() })
	return accepted
}
