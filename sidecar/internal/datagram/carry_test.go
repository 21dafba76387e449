package datagram

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func random(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(data)
	return data
}

func TestEverySizeComesBackWhole(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	for _, size := range []int{0, 1, 1_252, 1_400, 8_000, 65_507} {
		sent := random(size)
		p.send(flow, sent)
		if got, _, err := p.receive(); err != nil || got != string(sent) {
			t.Errorf("of %d bytes %d came back, %v", size, len(got), err)
		}
	}
}

func TestSegmentsOfOneSendAreDatagrams(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	if err := unix.SetsockoptInt(p.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1200); err != nil {
		t.Skip("needs a kernel with UDP_SEGMENT:", err)
	}
	sent := random(10*1200 - 7)
	p.send(flow, sent)
	for i := range 10 {
		want := sent[i*1200 : min(len(sent), (i+1)*1200)]
		if got, _, err := p.receive(); err != nil || got != string(want) {
			t.Fatalf("datagram %d has %d bytes, %v", i, len(got), err)
		}
	}
}

func TestManyDatagramsKeepTheirOrder(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	flow := x.mustOpen(p, hello4)
	for round := range 50 {
		// Fewer than fit into anybody's buffer.
		for i := range 40 {
			p.send(flow, fmt.Appendf(nil, "%d/%d", round, i))
		}
		for i := range 40 {
			p.expect(fmt.Sprintf("%d/%d", round, i), flow)
		}
	}
}

// nobody returns an address at which nothing listens.
func nobody(t testing.TB, at string) netip.AddrPort {
	t.Helper()
	p := newProgram(t, unix.AF_INET)
	if strings.HasPrefix(at, "[") {
		p = newProgram(t, unix.AF_INET6)
	}
	if err := unix.Bind(p.fd, p.sockaddr(netip.MustParseAddrPort(at))); err != nil {
		t.Skip("needs a host with", at, "but", err)
	}
	defer p.close()
	return p.local()
}

func TestAConnectedSocketSeesARefusalOnce(t *testing.T) {
	for _, tt := range []struct {
		name        string
		family      int
		destination netip.AddrPort
		at          string
	}{
		{"IPv4", unix.AF_INET, hello4, v4},
		{"IPv6", unix.AF_INET6, hello6, v6},
		{"mapped", unix.AF_INET6, hello4, v4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newFixture(t)
			x.reach(tt.destination, nobody(t, tt.at))
			p := newProgram(t, tt.family)
			flow := x.mustOpen(p, tt.destination)
			p.connect(flow)
			for range 3 {
				p.send(flow, []byte("anyone?"))
				if got, _, err := p.receive(); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			target := serve(t, tt.at, "here: ")
			x.reach(tt.destination, target)
			x.pass(DefaultIdle)
			x.sweep(time.Minute) // so that the far side is opened anew
			within(t, "the end of the far side", x.closed)
			p.send(flow, []byte("now?"))
			p.expect("here: now?", flow)
		})
	}
}

func TestAnUnconnectedSocketSeesNoRefusal(t *testing.T) {
	x := newFixture(t)
	x.reach(hello4, nobody(t, v4))
	x.reach(other4, serve(t, v4, ""))
	p := newProgram(t, unix.AF_INET)
	refused, other := x.mustOpen(p, hello4), x.mustOpen(p, other4)
	p.send(refused, []byte("anyone?"))
	p.send(other, []byte("x"))
	p.expect("x", other)
	p.send(refused, []byte("anyone?"))
	p.send(other, []byte("y"))
	p.expect("y", other)
}

func openResolver(t testing.TB, x *fixture, p *socketOfProgram, answer Answer) netip.AddrPort {
	t.Helper()
	duplicate, err := unix.FcntlInt(uintptr(p.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	flow, err := x.Open(t.Context(), Request{
		Owner: x.owner, Cookie: p.cookie(), Program: duplicate, Destination: netip.MustParseAddrPort("127.0.0.53:53"), Idle: ResolverIdle,
		Dial: func(context.Context) (Opened, error) {
			return x.opened(NewResolver(answer)), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

func TestAResolverAnswers(t *testing.T) {
	x := newFixture(t)
	p := newProgram(t, unix.AF_INET)
	flow := openResolver(t, x, p, func(_ context.Context, query []byte) []byte {
		if string(query) == "silent" {
			return nil
		}
		return append([]byte("answer to "), query...)
	})
	p.send(flow, []byte("silent"))
	p.send(flow, []byte("query"))
	p.expect("answer to query", flow)
	x.pass(ResolverIdle)
	x.sweep(0)
	within(t, "the end of the far side", x.closed)
	p.send(flow, []byte("again"))
	p.expect("answer to again", flow)
}

func TestQueriesDoNotWaitForEachOther(t *testing.T) {
	x := newFixture(t)
	p := newProgram(t, unix.AF_INET)
	slow := make(chan struct{})
	flow := openResolver(t, x, p, func(ctx context.Context, query []byte) []byte {
		if string(query) == "slow" {
			select {
			case <-slow:
			case <-ctx.Done():
				return nil
			}
		}
		return query
	})
	p.send(flow, []byte("slow"))
	p.send(flow, []byte("fast"))
	p.expect("fast", flow)
	// More than may be under way: the rest is lost, and nothing else is.
	for range maxQueries + 10 {
		p.send(flow, []byte("slow"))
	}
	close(slow)
	// The place of the fast one may have been free again a moment too late.
	for range maxQueries - 1 {
		p.expect("slow", flow)
	}
}
