package dialsocket

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatWasSentBeforeAnEndIsReceived(t *testing.T) {
	for _, tt := range []struct {
		name   string
		unread []byte
	}{
		{"all read", nil},
		// The kernel tells of the reset before it gives what is in the queue.
		{"something unread", encodeHold()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			file := os.NewFile(uintptr(pair[0]), "channel")
			defer file.Close()
			receiver, err := newReceiver(file)
			if err != nil {
				t.Fatal(err)
			}
			if tt.unread != nil {
				if err := send(pair[0], tt.unread); err != nil {
					t.Fatal(err)
				}
			}
			if err := send(pair[1], []byte("last words")); err != nil {
				t.Fatal(err)
			}
			if err := unix.Close(pair[1]); err != nil {
				t.Fatal(err)
			}
			if got, _, err := receiver.next(); string(got) != "last words" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if got, _, err := receiver.next(); !errors.Is(err, io.EOF) {
				t.Errorf("then got %q, %v", got, err)
			}
		})
	}
}
