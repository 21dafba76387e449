package netstack

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const echoPort = 7

// echoDatagrams sends every datagram that comes to a stack's echo port back.
func echoDatagrams(t testing.TB, s *Stack, addr netip.Addr) netip.AddrPort {
	t.Helper()
	queue := new(waiter.Queue)
	ep, terr := s.stack.NewEndpoint(udp.ProtocolNumber, protocolOf(addr), queue)
	if terr != nil {
		t.Fatal(terr)
	}
	ep.SocketOptions().SetReceiveBufferSize(packetReceiveBuffer, false)
	ep.SocketOptions().SetSendBufferSize(packetReceiveBuffer, false)
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventHUp)
	queue.EventRegister(&entry)
	at := netip.AddrPortFrom(addr, echoPort)
	if terr := ep.Bind(fullAddress(at)); terr != nil {
		t.Fatal(terr)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var got bytes.Buffer
			result, terr := ep.Read(&got, tcpip.ReadOptions{NeedRemoteAddr: true})
			switch terr.(type) {
			case nil:
				ep.Write(&got, tcpip.WriteOptions{To: &result.RemoteAddr})
			case *tcpip.ErrWouldBlock:
				<-ready
			default:
				return
			}
		}
	}()
	t.Cleanup(func() { ep.Close(); <-ended })
	return at
}

func dialUDP(t testing.TB, s *Stack, remote netip.AddrPort) *PacketConn {
	t.Helper()
	c, err := s.DialUDP(remote)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	// A datagram that was lost ends the test with an error.
	overdue := time.AfterFunc(patience, c.Close)
	t.Cleanup(func() { overdue.Stop() })
	return c
}

// receive waits for the next datagram.
func (c *PacketConn) receive(p []byte) (int, error) {
	for {
		n, ok, err := c.TryRead(p)
		if ok || err != nil {
			return n, err
		}
		c.AwaitReadable()
	}
}

func TestDatagramsOfEverySizeComeBackWhole(t *testing.T) {
	left, right := pair(t)
	buf := make([]byte, 1<<16)
	for _, addr := range []netip.Addr{right4, right6} {
		c := dialUDP(t, left, echoDatagrams(t, right, addr))
		// Around what fits into one packet of 1,280 bytes, and up to the largest.
		for _, size := range []int{0, 1, 1_232, 1_233, 1_252, 1_253, 1_400, 8_000, maxDatagram(addr)} {
			t.Run(fmt.Sprintf("%d bytes to %v", size, addr), func(t *testing.T) {
				sent := random(byte(size), size)
				if err := c.Write(sent); err != nil {
					t.Fatal(err)
				}
				n, err := c.receive(buf)
				if err != nil || !bytes.Equal(buf[:n], sent) {
					t.Errorf("%d bytes came back, %v", n, err)
				}
			})
		}
		if err := c.Write(make([]byte, maxDatagram(addr)+1)); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("a datagram too long gave %v", err)
		}
	}
}

func TestAShortBufferLosesTheRestOfItsDatagramOnly(t *testing.T) {
	left, right := pair(t)
	c := dialUDP(t, left, echoDatagrams(t, right, right4))
	c.Write([]byte("first"))
	c.Write([]byte("second"))
	short, long := make([]byte, 2), make([]byte, 100)
	if n, err := c.receive(short); err != nil || string(short[:n]) != "fi" {
		t.Errorf("got %q, %v", short[:n], err)
	}
	if n, err := c.receive(long); err != nil || string(long[:n]) != "second" {
		t.Errorf("got %q, %v", long[:n], err)
	}
}

func TestARefusalIsToldOnceAndTheEndpointGoesOn(t *testing.T) {
	for _, addr := range []netip.Addr{right4, right6} {
		t.Run(addr.String(), func(t *testing.T) {
			left, right := pair(t)
			c := dialUDP(t, left, netip.AddrPortFrom(addr, echoPort))
			if err := c.Write([]byte("anyone?")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			if _, err := c.receive(buf); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Fatalf("got %v", err)
			}
			echoDatagrams(t, right, addr)
			if err := c.Write([]byte("now?")); err != nil {
				t.Fatal(err)
			}
			if n, err := c.receive(buf); err != nil || string(buf[:n]) != "now?" {
				t.Errorf("got %q, %v", buf[:n], err)
			}
		})
	}
}

func TestCloseWakesWhoReads(t *testing.T) {
	left, _ := pair(t)
	c := dialUDP(t, left, netip.AddrPortFrom(right4, echoPort))
	ended := make(chan error, 1)
	go func() {
		_, err := c.receive(make([]byte, 1))
		ended <- err
	}()
	c.Close()
	c.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, syscall.ECONNABORTED) {
			t.Errorf("got %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it still reads")
	}
	if err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNABORTED) {
		t.Errorf("writing gave %v", err)
	}
}

func TestAStackWithoutAddressesHasNoWay(t *testing.T) {
	if _, err := newStack(t).DialUDP(netip.AddrPortFrom(right4, echoPort)); !errors.Is(err, syscall.EHOSTUNREACH) &&
		!errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("got %v", err)
	}
}

func TestDatagramsCostFewAllocations(t *testing.T) {
	left, right := pair(t)
	c := dialUDP(t, left, echoDatagrams(t, right, right4))
	p, buf := make([]byte, 1200), make([]byte, 1<<16)
	// What gVisor itself allocates for a packet on both stacks is its own; this holds that ours stay none.
	if n := testing.AllocsPerRun(1000, func() { c.TryRead(buf) }); n > 0 {
		t.Errorf("a look for a datagram takes %v allocations", n)
	}
	c.Write(p)
	if n, err := c.receive(buf); err != nil || n != len(p) {
		t.Errorf("got %d, %v", n, err)
	}
}

func BenchmarkDatagramRoundTrip(b *testing.B) {
	left, right := pair(b)
	c := dialUDP(b, left, echoDatagrams(b, right, right4))
	p, buf := make([]byte, 64), make([]byte, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := c.receive(buf); err != nil {
			b.Fatal(err)
		}
	}
}
