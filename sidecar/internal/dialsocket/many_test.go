package dialsocket

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/splice"
)

func TestThousandsOfDialsMayBePending(t *testing.T) {
	// Each takes a descriptor here and one there.
	const many = 5_000
	f := serve(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 3*many {
		t.Skipf("skipped: needs %d descriptors", 3*many)
	}
	p := dialtest.Must(t, f.path, token)
	sockets := make([]*dialtest.Socket, many)
	for i := range sockets {
		sockets[i] = dialtest.NewSocket(t, unix.SOCK_NONBLOCK)
		if err := sockets[i].Connect(p, destination); !errors.Is(err, unix.EINPROGRESS) {
			t.Fatalf("connect %d gave %v", i, err)
		}
	}
	dials := make([]dialled, many)
	for i := range dials {
		dials[i] = within(t, "a dial", f.dials)
	}
	for i, s := range sockets {
		if !s.Pending() {
			t.Fatalf("socket %d is not pending", i)
		}
	}
	for _, dial := range dials {
		dial.result <- nil
	}
	for _, s := range sockets {
		s.Poll(unix.POLLOUT)
		if errno := s.Error(); errno != 0 {
			t.Fatalf("SO_ERROR is %v", errno)
		}
	}
	for range dials {
		within(t, "a connection", f.joined).Abort()
	}
}

func TestSequentialDialsDoNotRunOutOfPorts(t *testing.T) {
	const many = 10_000
	for _, tt := range []struct {
		name  string
		close func(s *dialtest.Socket, ours *splice.Socket)
	}{
		{"the program closes first", func(s *dialtest.Socket, ours *splice.Socket) { s.Close(); ours.Close() }},
		{"the peer closes first", func(s *dialtest.Socket, ours *splice.Socket) { ours.Close(); s.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := serve(t)
			f.decideBy(func(*Dial) error { return nil })
			p := dialtest.Must(t, f.path, token)
			for i := range many {
				// Its cleanup would be kept for each of them.
				s := dialtest.Plain(t)
				if err := s.Connect(p, destination); err != nil {
					t.Fatalf("connect %d: %v", i, err)
				}
				tt.close(s, within(t, "the connection", f.joined))
			}
		})
	}
}

func BenchmarkConnect(b *testing.B) {
	f := serve(b)
	f.decideBy(func(*Dial) error { return nil })
	p := dialtest.Must(b, f.path, token)
	for b.Loop() {
		s := dialtest.Plain(b)
		if err := s.Connect(p, destination); err != nil {
			b.Fatal(err)
		}
		s.Close()
		(<-f.joined).Close()
	}
}
