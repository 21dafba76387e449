package datagram

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

// Pair carries datagrams between a peer and a program of this host, for as long as somebody wants it.
type Pair struct {
	// Tailnet is the peer's side, Program that of a program which was there before the peer wrote.
	Tailnet, Program Remote
	// Counters count what is carried, in bytes of payload: Up is what the program sent.
	Counters *splice.Counters
	// Refused is told that nobody has the program's port, Answered that somebody had it after all. They are called for each datagram that
	// says so.
	Refused, Answered func()

	last atomic.Int64
	lost atomic.Uint64
}

// DialProgram makes a far side of a socket that is connected to a program of this host.
func DialProgram(address netip.AddrPort) (Remote, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(address))
	if err != nil {
		return nil, err
	}
	k, err := newKernel(conn)
	if err != nil {
		return nil, err
	}
	// Smaller ones do too.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	return host{k}, nil
}

// Touch begins to count how long nothing was carried.
func (p *Pair) Touch(now time.Time) { p.last.Store(now.UnixNano()) }

// Idle is how long nothing was carried.
func (p *Pair) Idle(now time.Time) time.Duration { return now.Sub(time.Unix(0, p.last.Load())) }

// Lost is how many datagrams were too long for the other side.
func (p *Pair) Lost() uint64 { return p.lost.Load() }

// Carry carries until the pair is closed; both sides are then.
func (p *Pair) Carry(pool *Pool, now func() time.Time) {
	var both sync.WaitGroup
	both.Go(func() { p.carry(p.Tailnet, p.Program, &p.Counters.Down, pool, now) })
	p.carry(p.Program, p.Tailnet, &p.Counters.Up, pool, now)
	both.Wait()
}

// Close ends both sides. It may be called at any time and more than once.
func (p *Pair) Close() {
	p.Tailnet.Close()
	p.Program.Close()
}

func (p *Pair) carry(from, to Remote, count *atomic.Uint64, pool *Pool, now func() time.Time) {
	defer p.Close()
	for {
		batch, err := from.next(pool)
		if isRefusal(err) {
			p.refused(from)
			continue
		}
		if err != nil {
			return
		}
		p.Touch(now())
		if from == p.Program {
			p.Answered()
		}
		count.Add(batch.bytes())
		err = to.send(batch)
		p.lost.Add(uint64(batch.lost))
		pool.put(batch)
		if isRefusal(err) {
			p.refused(to)
		} else if err != nil {
			return
		}
	}
}

// refused: the peer's ICMP is no news to anybody. It may ask again from the same port.
func (p *Pair) refused(by Remote) {
	if by == p.Program {
		p.Refused()
	}
}
