package noderole

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestCarriesHalfCloseBothWays(t *testing.T) {
	l := startLab(t, lab.Options{})
	// It says its piece and closes its side first, and then still hears.
	heard := make(chan string, 1)
	peer(t, l, "first", 70, func(conn *net.TCPConn) {
		conn.Write([]byte("from the peer"))
		conn.CloseWrite()
		got, _ := io.ReadAll(conn)
		heard <- string(got)
	})
	d, socks := joined(t, l)
	conn := mustDial(t, socks, "first", 70)
	if got, err := io.ReadAll(conn); err != nil || string(got) != "from the peer" {
		t.Fatalf("the program read %q, %v", got, err)
	}
	if _, err := conn.Write([]byte("from the program")); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite()
	if got := within(t, "what the peer heard", heard); got != "from the program" {
		t.Errorf("the peer heard %q", got)
	}
	if closed := within(t, "flowClosed", d.closed); closed.Error != nil {
		t.Errorf("the flow ended with %v", closed.Error)
	}
}

func TestCarriesResetsBothWays(t *testing.T) {
	l := startLab(t, lab.Options{})
	read := make(chan error, 1)
	peer(t, l, "resets", 70, func(conn *net.TCPConn) {
		var b [1]byte
		conn.Read(b[:])
		conn.SetLinger(0)
	})
	heard := make(chan bool, 1)
	peer(t, l, "listens", 70, func(conn *net.TCPConn) {
		io.ReadFull(conn, make([]byte, 1))
		heard <- true
		_, err := io.ReadAll(conn)
		read <- err
	})
	d, socks := joined(t, l)
	t.Run("from the peer", func(t *testing.T) {
		conn := mustDial(t, socks, "resets", 70)
		conn.Write([]byte{1})
		if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the program read %v", err)
		}
		if closed := within(t, "flowClosed", d.closed); closed.Error == nil || closed.Error.Code != message.Aborted {
			t.Errorf("the flow ended with %v", closed.Error)
		}
	})
	t.Run("from the program", func(t *testing.T) {
		conn := mustDial(t, socks, "listens", 70)
		conn.Write([]byte{1})
		within(t, "the peer's first byte", heard)
		conn.SetLinger(0)
		conn.Close()
		if err := within(t, "the peer's end", read); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer read %v", err)
		}
	})
}

func TestCarries200MegabytesEachWay(t *testing.T) {
	const size = 200 << 20
	l := startLab(t, lab.Options{})
	sum := func(r io.Reader) [32]byte {
		h := sha256.New()
		io.Copy(h, r)
		return [32]byte(h.Sum(nil))
	}
	random := func(seed byte) io.Reader {
		return io.LimitReader(rand.NewChaCha8([32]byte{seed}), size)
	}
	heard := make(chan [32]byte, 1)
	peer(t, l, "big", 70, func(conn *net.TCPConn) {
		conn.SetDeadline(time.Time{})
		var both sync.WaitGroup
		both.Go(func() { io.Copy(conn, random(2)); conn.CloseWrite() })
		heard <- sum(conn)
		both.Wait()
	})
	d, socks := joined(t, l)
	conn := mustDial(t, socks, "big", 70)
	conn.SetDeadline(time.Time{})
	go func() { io.Copy(conn, random(1)); conn.CloseWrite() }()
	if sum(conn) != sum(random(2)) {
		t.Error("what came down is not what was sent")
	}
	if <-heard != sum(random(1)) {
		t.Error("what came up is not what was sent")
	}
	closed := within(t, "flowClosed", d.closed)
	if closed.BytesUp != size || closed.BytesDown != size {
		t.Errorf("%d and %d bytes were counted", closed.BytesUp, closed.BytesDown)
	}
	status := request[message.Status](d, message.MethodStatus, message.Empty{})
	if status.BytesUp != size || status.Opened != 1 || status.Flows != 0 {
		t.Errorf("the status is %+v", status)
	}
}

func TestCarries500ConnectionsAtOnce(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	const count = 500
	conns := make([]*net.TCPConn, count)
	var all sync.WaitGroup
	for i := range conns {
		all.Go(func() {
			conn, _, err := dialSocks(socks, "hello", 7)
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			conns[i] = conn
		})
	}
	all.Wait()
	for range count {
		within(t, "flowOpened", d.opened)
	}
	if status := request[message.Status](d, message.MethodStatus, message.Empty{}); status.Flows != count {
		t.Errorf("%d flows are open", status.Flows)
	}
	for i, conn := range conns {
		if conn == nil {
			continue
		}
		all.Go(func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			sent := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 2000)
			go func() { conn.Write(sent); conn.CloseWrite() }()
			if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("connection %d: %d bytes came back, %v", i, len(got), err)
			}
		})
	}
	all.Wait()
}

func TestSendsEarlyBytesToThePeer(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, socks := joined(t, l)
	conn, err := net.Dial("tcp", socks)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	// A program that does not wait for the reply and has nothing more to say.
	if _, err := conn.Write(append(socksRequest("hello", 7), "early"...)); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	bound, err := readReply(conn)
	if err != nil || !bound.Addr().IsValid() {
		t.Fatalf("the reply was %v, %v", bound, err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "early" {
		t.Errorf("the echo is %q, %v", got, err)
	}
	if got := within(t, "the answer", d.dialed); got.result.Bound != bound.String() {
		t.Errorf("bound is %s in the answer and %v in the reply", got.result.Bound, bound)
	}
}
