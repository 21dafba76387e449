package dialsocket

import (
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

const (
	// watchAfter is when a dial that has not ended is looked at first. Most have, by then.
	watchAfter = time.Millisecond
	// longestWatch bounds the pauses while a program that was stopped has not sent its SYN.
	longestWatch = 100 * time.Millisecond
	// goneInterval is how often the kernel is asked whether a socket without a duplicate still waits.
	goneInterval = 5 * time.Second
)

// watch looks after a dial that takes its time. Our duplicate goes as soon as the SYN is out: while it is open the program's
// close() is none, and when the kernel has tried for long enough an epoll speaks of a socket that the program has closed.
// From then on only the kernel tells whether anybody still waits.
func (d *Dial) watch() {
	if d.lookAfter() {
		d.cancel(ErrClosed)
	}
}

// lookAfter reports whether nobody waits for the dial any more.
func (d *Dial) lookAfter() (over bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone || d.ended {
		return false
	}
	next := goneInterval
	if d.socket >= 0 {
		state, err := d.lookLocked()
		switch {
		case err == nil && state == tarpit.SynSent:
			d.letGoLocked()
		case err == nil && state == tarpit.Closed && d.local.IsValid():
			// The kernel has ended the connect() of its own accord: TCP_SYNCNT, TCP_USER_TIMEOUT.
			over = true
		default:
			next = min(2*d.watched, longestWatch)
		}
	} else {
		over = !d.waitsLocked()
	}
	if over {
		d.gone = true
		d.releaseLocked()
		return true
	}
	d.watched = next
	d.watcher.Reset(next)
	return false
}

// letGoLocked closes our duplicate before the end: from now on the socket may go without a word.
func (d *Dial) letGoLocked() {
	d.loose = d.local.IsValid()
	d.releaseLocked()
}

// waits reports whether somebody still waits for the dial.
func (d *Dial) waits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waitsLocked()
}

// waitsLocked asks the kernel of a socket whose duplicate was let go. What cannot be asked counts as there.
func (d *Dial) waitsLocked() bool {
	if !d.loose {
		return true
	}
	exists, err := tarpit.Exists(d.local, d.server.tarpitOf(d.local), d.Cookie)
	return err != nil || exists
}

func (d *Dial) startWatch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watched = watchAfter
	d.watcher = time.AfterFunc(watchAfter, d.watch)
}

func (d *Dial) stopWatch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.watcher != nil {
		d.watcher.Stop()
	}
}
