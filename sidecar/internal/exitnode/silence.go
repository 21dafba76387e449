package exitnode

import (
	"sync/atomic"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
)

// How an exit node that is used is watched. What comes from it proves that it is there; so an exit node with traffic
// is not pinged at all. When nothing has come for quiet after there was traffic, it is, and then every calm.
const (
	tick  = 250 * time.Millisecond
	quiet = 500 * time.Millisecond
	calm  = 5 * time.Second
	// failoverAfter is how long pings are unanswered before another exit node is taken, if there is one that answers: then it
	// is not our own network that is away.
	failoverAfter = time.Second
	// downAfter is how long they are unanswered before an exit node is given up for which there is no other. Connections survive
	// a change of the network that takes seconds.
	downAfter = 4 * time.Second
)

// silence tells how long an exit node has not answered.
type silence struct {
	tailnet Tailnet
	lease   *Lease
	last    Counters
	// due is when to ping, if nothing comes before.
	due time.Time
	// since is when the first ping was sent that is not answered; zero when there is none.
	since time.Time
	// next is when to ping again.
	next   time.Time
	ponged atomic.Bool
	// other is set when another candidate has answered meanwhile.
	other atomic.Bool
	asked bool
}

func newSilence(tailnet Tailnet, lease *Lease, peer *peers.Peer, now time.Time) *silence {
	return &silence{tailnet: tailnet, lease: lease, last: tailnet.Counters(peer), due: now.Add(quiet)}
}

// look returns how long pings have not been answered. It sends one when it is time.
func (s *silence) look(peer *peers.Peer, now time.Time) time.Duration {
	counters := s.tailnet.Counters(peer)
	heard, said := counters.Received != s.last.Received, counters.Sent != s.last.Sent
	s.last = counters
	switch {
	case s.ponged.Swap(false):
		// Its own traffic is no reason for another ping.
		s.forget(now.Add(calm))
	case heard:
		s.forget(now.Add(quiet))
	case said && s.since.IsZero() && s.due.After(now.Add(quiet)):
		s.due = now.Add(quiet)
	}
	if s.since.IsZero() {
		if now.Before(s.due) {
			return 0
		}
		s.since, s.next = now, now
	}
	if !now.Before(s.next) {
		s.next = now.Add(pingAgain)
		s.tailnet.Ping(peer, func() { s.ponged.Store(true) })
		if now.After(s.since) {
			// It may have moved to where another path leads.
			s.tailnet.Seek(peer, func() {})
		}
	}
	return now.Sub(s.since)
}

func (s *silence) forget(due time.Time) {
	s.due, s.since = due, time.Time{}
	s.asked = false
	s.other.Store(false)
}
