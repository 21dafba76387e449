package splice

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

const patience = 20 * time.Second

// tcpPair returns both ends of a connection over loopback.
func tcpPair(t testing.TB) (far *net.TCPConn, near *Host) {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	far, err = net.DialTCP("tcp4", nil, listener.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	far.SetDeadline(time.Now().Add(patience))
	accepted, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	near, err = NewHost(accepted)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(near.Abort)
	return far, near
}

// joined is a program and a peer with a splice between them.
type joined struct {
	program, peer *net.TCPConn
	near, remote  *Host
	counters      Counters
	ended         chan error
}

func join(t testing.TB, early string) *joined {
	t.Helper()
	j := &joined{ended: make(chan error, 1)}
	j.program, j.near = tcpPair(t)
	j.peer, j.remote = tcpPair(t)
	go func() { j.ended <- Join(j.near, j.remote, []byte(early), new(Pool), &j.counters) }()
	return j
}

func (j *joined) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-j.ended:
		return err
	case <-time.After(patience):
		t.Fatal("the splice did not end")
		return nil
	}
}

func TestJoinsBothWays(t *testing.T) {
	j := join(t, "early ")
	j.program.Write([]byte("up"))
	j.program.CloseWrite()
	if got, err := io.ReadAll(j.peer); err != nil || string(got) != "early up" {
		t.Errorf("the peer read %q, %v", got, err)
	}
	j.peer.Write([]byte("down!"))
	j.peer.CloseWrite()
	if got, err := io.ReadAll(j.program); err != nil || string(got) != "down!" {
		t.Errorf("the program read %q, %v", got, err)
	}
	if err := j.end(t); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if up, down := j.counters.Up.Load(), j.counters.Down.Load(); up != 8 || down != 5 {
		t.Errorf("counted %d and %d", up, down)
	}
}

func TestResetsGoThrough(t *testing.T) {
	for _, tt := range []struct {
		name string
		ends func(j *joined) (resets, reads *net.TCPConn)
	}{
		{"up", func(j *joined) (*net.TCPConn, *net.TCPConn) { return j.program, j.peer }},
		{"down", func(j *joined) (*net.TCPConn, *net.TCPConn) { return j.peer, j.program }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := join(t, "")
			resets, reads := tt.ends(j)
			resets.SetLinger(0)
			resets.Close()
			if _, err := io.ReadAll(reads); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the other end read %v", err)
			}
			if err := j.end(t); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestAResetComesThroughAHalfClose(t *testing.T) {
	j := join(t, "")
	j.program.CloseWrite()
	if _, err := io.ReadAll(j.peer); err != nil {
		t.Fatal(err)
	}
	j.peer.SetLinger(0)
	j.peer.Close()
	if _, err := io.ReadAll(j.program); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the program read %v", err)
	}
	j.end(t)
}

func TestAProgramThatDoesNotReadIsReset(t *testing.T) {
	// It closes with bytes unread, which the kernel makes a reset of.
	j := join(t, "")
	go j.peer.Write(bytes.Repeat([]byte("x"), 1<<20))
	if _, err := io.ReadFull(j.program, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	j.program.Close()
	if err := j.end(t); err == nil {
		t.Error("it ended in order")
	}
	for {
		if _, err := j.peer.Write([]byte("x")); err != nil {
			break
		}
	}
}

func TestAbortFromOutsideEndsIt(t *testing.T) {
	j := join(t, "")
	j.near.Abort()
	j.remote.Abort()
	if err := j.end(t); err == nil {
		t.Error("it ended in order")
	}
	for name, conn := range map[string]*net.TCPConn{"program": j.program, "peer": j.peer} {
		if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the %s read %v", name, err)
		}
	}
}

func TestBuffersAreTakenOnlyForBytes(t *testing.T) {
	far, near := tcpPair(t)
	pool := new(Pool)
	taken := 0
	pool.pool.New = func() any {
		taken++
		b := make([]byte, BufferSize)
		return &b
	}
	read := make(chan int)
	go func() {
		buffer, n, _ := near.next(pool)
		pool.put(buffer)
		read <- n
	}()
	far.Write([]byte("abc"))
	if n := <-read; n != 3 {
		t.Errorf("read %d", n)
	}
	far.Close()
	if buffer, _, err := near.next(pool); err != io.EOF || buffer != nil {
		t.Errorf("the end gave %v with a buffer: %v", err, buffer != nil)
	}
}
