package dialsocket

import (
	"slices"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// maxDials is how many may be under way in a session.
const maxDials = 16_384

// dials are those under way.
type dials struct {
	mu       sync.Mutex
	ended    error
	count    int
	byCookie map[uint64]*Dial
	// orphans go on without our duplicate, since the process that asked for them has closed its own.
	orphans map[*Dial]struct{}
}

func (ds *dials) init() {
	ds.byCookie = map[uint64]*Dial{}
	ds.orphans = map[*Dial]struct{}{}
}

// add counts a dial; the error is why it must not be made. An older one of the same socket is given up: the program has
// taken its connect() back.
func (ds *dials) add(d *Dial) error {
	ds.mu.Lock()
	older := ds.byCookie[d.Cookie]
	ds.byCookie[d.Cookie] = d
	ds.count++
	if d.channel.dials == nil {
		d.channel.dials = map[*Dial]struct{}{}
	}
	d.channel.dials[d] = struct{}{}
	err := ds.ended
	if err == nil && ds.count > maxDials {
		err = message.Errorf(message.Busy, "%d dials are under way already", maxDials)
	}
	ds.mu.Unlock()
	if older != nil {
		older.abandon()
	}
	return err
}

func (ds *dials) remove(d *Dial) {
	d.stopWatch()
	d.release()
	d.cancel(nil)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.count--
	if ds.byCookie[d.Cookie] == d {
		delete(ds.byCookie, d.Cookie)
	}
	delete(d.channel.dials, d)
	delete(ds.orphans, d)
}

// cancel is a program's word that it has closed a socket, or all of its process's for 0. The dial may be another's, who
// has shared the socket.
func (ds *dials) cancel(c *channel, cookie uint64) {
	if cookie == 0 {
		ds.recheck(func() []*Dial {
			// Another thread, which goes on, may have asked for a dial and be about to connect.
			return slices.DeleteFunc(ds.ofLocked(c), func(d *Dial) bool { return !d.begun() })
		})
		return
	}
	ds.recheck(func() []*Dial {
		if d, ok := ds.byCookie[cookie]; ok {
			return []*Dial{d}
		}
		return nil
	})
}

// left is the end of a process. It may have been the last to have a socket that another asked for.
func (ds *dials) left(c *channel) {
	ds.recheck(func() []*Dial {
		all := ds.ofLocked(c)
		for d := range ds.orphans {
			if d.channel != c {
				all = append(all, d)
			}
		}
		return all
	})
}

func (ds *dials) ofLocked(c *channel) []*Dial {
	all := make([]*Dial, 0, len(c.dials))
	for d := range c.dials {
		all = append(all, d)
	}
	return all
}

func (ds *dials) recheck(which func() []*Dial) {
	ds.mu.Lock()
	all := which()
	for _, d := range all {
		if _, ok := d.channel.dials[d]; ok {
			ds.orphans[d] = struct{}{}
		}
	}
	ds.mu.Unlock()
	for _, d := range all {
		d.recheck()
	}
}

// end fails all dials, and those that come from now on.
func (ds *dials) end(reason error) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.ended = reason
	for _, d := range ds.byCookie {
		d.cancel(reason)
	}
}
