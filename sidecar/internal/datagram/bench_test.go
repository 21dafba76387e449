package datagram

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
)

// way sends datagrams to an echo and receives them back.
type way interface {
	write(datagram []byte) error
	read(buffer []byte) error
}

// programWay sends with its own socket, as wrapped programs do.
type programWay struct {
	p    *socketOfProgram
	flow unix.Sockaddr
}

func (w programWay) write(datagram []byte) error { return unix.Sendto(w.p.fd, datagram, 0, w.flow) }

func (w programWay) read(buffer []byte) error {
	for {
		if _, _, err := unix.Recvfrom(w.p.fd, buffer, 0); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// bareWay uses an endpoint of the stack in this process: the yardstick.
type bareWay struct{ conn *netstack.PacketConn }

func (w bareWay) write(datagram []byte) error { return w.conn.Write(datagram) }

func (w bareWay) read(buffer []byte) error {
	for {
		if _, ok, err := w.conn.TryRead(buffer); ok || err != nil {
			return err
		}
		w.conn.AwaitReadable()
	}
}

// BenchmarkLab compares a program's datagrams with a bare endpoint's, both to the lab's echo.
func BenchmarkLab(b *testing.B) {
	l, err := lab.Start(b.Context(), lab.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.Close)
	n := node.New(node.Options{Hostname: "bench", StateDir: b.TempDir() + "/state", ControlURL: l.ControlURL(), Ephemeral: true, Lab: true})
	b.Cleanup(n.Close)
	if err := n.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	stack, err := n.Running()
	if err != nil {
		b.Fatal(err)
	}
	hello, _ := l.Node(lab.HelloName)
	peer, _ := n.ByAddress(hello.Addresses[0])
	n.AwaitPath(b.Context(), peer)
	destination := netip.AddrPortFrom(hello.Addresses[0], lab.EchoPort)
	bare, err := stack.DialUDP(destination)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bare.Close)
	x := newFixture(b)
	x.Now = nil
	p := newProgram(b, unix.AF_INET)
	duplicate, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	flow, err := x.Open(b.Context(), Request{
		Owner: x.owner, Cookie: p.cookie(), Program: duplicate, Destination: destination,
		Dial: func(context.Context) (Opened, error) {
			endpoint, err := stack.DialUDP(destination)
			if err != nil {
				return Opened{}, err
			}
			return Opened{Remote: NewStack(endpoint)}, nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	ways := map[string]way{"bare": bareWay{bare}, "program": programWay{p, p.sockaddr(flow)}}
	for _, size := range []struct {
		name         string
		bytes, burst int
	}{{"rtt", 64, 1}, {"burst", 1200, 32}} {
		for _, name := range []string{"bare", "program"} {
			b.Run(size.name+"/"+name, func(b *testing.B) { exchange(b, ways[name], size.bytes, size.burst) })
		}
	}
}

// exchange sends in bursts and reads each back whole before the next.
func exchange(b *testing.B, w way, size, burst int) {
	datagram, buffer := make([]byte, size), make([]byte, bufferSize)
	b.SetBytes(int64(size * burst))
	b.ReportAllocs()
	for b.Loop() {
		for range burst {
			if err := w.write(datagram); err != nil {
				b.Fatal(err)
			}
		}
		for range burst {
			if err := w.read(buffer); err != nil {
				b.Fatal(err)
			}
		}
	}
}
