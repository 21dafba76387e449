package dialsocket

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/tarpit"
)

// awaitLetGo returns when the sidecar has no duplicate of a socket any more.
func awaitLetGo(t *testing.T, d *Dial) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		d.mu.Lock()
		held := d.socket >= 0
		d.mu.Unlock()
		if !held {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the duplicate is still held")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestADialThatTakesItsTimeHoldsNoDuplicate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result error
		errno  unix.Errno
	}{
		{"success", nil, 0},
		{"failure", message.Errorf(message.Refused, "no"), unix.ECONNRESET},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t)
			p := dialtest.Must(t, f.path, token)
			s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
			_ = s.Connect(p, destination)
			dial := within(t, "the dial", f.dials)
			awaitLetGo(t, dial.dial)
			if !s.Pending() {
				t.Error("poll shows something before the dial is done")
			}
			dial.result <- tt.result
			s.Poll(unix.POLLOUT)
			if errno := s.Error(); errno != tt.errno {
				t.Errorf("SO_ERROR is %v", errno)
			}
		})
	}
}

// A program's close() that nobody tells of is one, and what its port becomes is none of this dial's.
func TestASocketThatIsClosedWithoutAWordIsNotJoined(t *testing.T) {
	for _, result := range []error{nil, message.Errorf(message.Refused, "no")} {
		f := serve(t)
		p := dialtest.Must(t, f.path, token)
		s := dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
		_ = s.Connect(p, destination)
		dial := within(t, "the dial", f.dials)
		awaitLetGo(t, dial.dial)
		local := dial.dial.Source()
		s.Close()
		if exists, err := tarpit.Exists(local, dial.dial.server.tarpitOf(local), s.Cookie); exists || err != nil {
			t.Errorf("the socket is there after its last close: %v", err)
		}
		dial.result <- result
		if result == nil {
			if err := within(t, "the end", f.failed); !errors.Is(err, ErrClosed) {
				t.Errorf("it ended with %v", err)
			}
		}
		if got := p.Failure(s.Cookie); got != 0 {
			t.Errorf("the board has %v for a socket that is gone", got)
		}
	}
}
