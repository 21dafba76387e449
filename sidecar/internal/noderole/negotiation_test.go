package noderole

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// events gives a test the client events; it answers them itself.
func events(d *driver) <-chan message.Client {
	c := make(chan message.Client, many)
	d.negotiate = func(_ *driver, event message.Client) { c <- event }
	return c
}

func listenSocks(d *driver, cap message.Limit, handshake time.Duration) string {
	return request[message.ListenSocksResult](d, message.MethodListenSocks, message.ListenSocks{
		Host: "127.0.0.1", Cap: cap, HandshakeMs: message.Timeout(handshake.Milliseconds()),
	}).Address
}

func connect(t *testing.T, socks string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", socks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn)
}

func TestRelaysOneReadForOneDecision(t *testing.T) {
	d := newDriver(t)
	clients := events(d)
	conn := connect(t, listenSocks(d, 10, patience))
	conn.Write([]byte("one"))
	first := within(t, "the first bytes", clients)
	if string(first.Bytes) != "one" || first.Source != conn.LocalAddr().String() {
		t.Errorf("the first event is %+v", first)
	}
	conn.Write([]byte("two"))
	// No decision was given, so a request made now is answered before anything of the client comes.
	request[message.Status](d, message.MethodStatus, message.Empty{})
	if len(clients) != 0 {
		t.Error("bytes came before the decision")
	}
	d.notify(message.EventClientWrite, message.ClientWrite{Client: first.Client, Bytes: []byte("answer")})
	got := make([]byte, 6)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "answer" {
		t.Errorf("the client read %q, %v", got, err)
	}
	second := within(t, "the second bytes", clients)
	if string(second.Bytes) != "two" || second.Source != "" {
		t.Errorf("the second event is %+v", second)
	}
	d.notify(message.EventClientClose, message.ClientClose{Client: first.Client, Bytes: []byte("bye")})
	if got, err := io.ReadAll(conn); err != nil || string(got) != "bye" {
		t.Errorf("the client read %q, %v", got, err)
	}
}

func TestRefusesASecondDecision(t *testing.T) {
	d := newDriver(t)
	clients := events(d)
	conn := connect(t, listenSocks(d, 10, patience))
	conn.Write([]byte("one"))
	client := within(t, "the first bytes", clients).Client
	d.notify(message.EventClientWrite, message.ClientWrite{Client: client})
	_, err := tryCall[message.ClientDialResult](d, message.MethodClientDial, message.ClientDial{
		Client: client, Network: message.NetworkTCP, Host: "hello", Port: 7, DeadlineMs: 1000, OnSuccess: []byte{},
	})
	if message.CodeOf(err) != message.Protocol {
		t.Errorf("the second decision gave %v", err)
	}
}

func TestEndsClientsThatTakeTooLong(t *testing.T) {
	d := newDriver(t)
	clients := events(d)
	socks := listenSocks(d, 10, 50*time.Millisecond)
	t.Run("silent", func(t *testing.T) {
		conn := connect(t, socks)
		if got := within(t, "clientGone", d.gone); got.Reason != message.GoneTimedOut {
			t.Errorf("gone: %s", got.Reason)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the client was not closed")
		}
	})
	t.Run("without a decision", func(t *testing.T) {
		connect(t, socks).Write([]byte("one"))
		client := within(t, "the bytes", clients).Client
		if got := within(t, "clientGone", d.gone); got.Reason != message.GoneTimedOut || got.Client != client {
			t.Errorf("gone: %+v", got)
		}
	})
}

func TestEndsClientsThatSendTooMuch(t *testing.T) {
	d := newDriver(t)
	d.negotiate = func(d *driver, event message.Client) {
		d.notify(message.EventClientWrite, message.ClientWrite{Client: event.Client})
	}
	conn := connect(t, listenSocks(d, 10, patience))
	conn.Write(make([]byte, 64<<10+1))
	if got := within(t, "clientGone", d.gone); got.Reason != message.GoneTooLarge {
		t.Errorf("gone: %s", got.Reason)
	}
}

func TestTellsOfClientsThatLeave(t *testing.T) {
	d := newDriver(t)
	clients := events(d)
	conn := connect(t, listenSocks(d, 10, patience))
	conn.Write([]byte("one"))
	client := within(t, "the bytes", clients).Client
	conn.Close()
	d.notify(message.EventClientWrite, message.ClientWrite{Client: client})
	if got := within(t, "clientGone", d.gone); got.Reason != message.GoneClosed || got.Client != client {
		t.Errorf("gone: %+v", got)
	}
}

func TestKeepsTheCapByNotAccepting(t *testing.T) {
	d := newDriver(t)
	clients := events(d)
	socks := listenSocks(d, 2, patience)
	first, second, third := connect(t, socks), connect(t, socks), connect(t, socks)
	for _, conn := range []*net.TCPConn{first, second, third} {
		conn.Write([]byte("hi"))
	}
	one := within(t, "a client", clients)
	within(t, "a client", clients)
	if status := request[message.Status](d, message.MethodStatus, message.Empty{}); status.Negotiating != 2 {
		t.Errorf("%d negotiate", status.Negotiating)
	}
	if len(clients) != 0 {
		t.Error("a third client was accepted")
	}
	d.notify(message.EventClientClose, message.ClientClose{Client: one.Client})
	within(t, "the third client", clients)
}

func TestListensOnLoopbackOnly(t *testing.T) {
	d := newDriver(t)
	for _, host := range []string{"0.0.0.0", "192.0.2.1", "localhost", "::"} {
		_, err := tryCall[message.ListenSocksResult](d, message.MethodListenSocks, message.ListenSocks{
			Host: host, Cap: 1, HandshakeMs: 1,
		})
		if err == nil {
			t.Errorf("it listens on %s", host)
		}
	}
	d.listen()
	request[message.ListenSocksResult](d, message.MethodListenSocks, message.ListenSocks{Host: "::1", Cap: 1, HandshakeMs: 1})
}

func TestDialsWithoutANodeAreNotConnected(t *testing.T) {
	d := newDriver(t)
	_, _, err := dialSocks(d.listen(), "hello", 7)
	var refusal socksError
	if !errors.As(err, &refusal) || byte(refusal) != replyOf(message.NotConnected) {
		t.Errorf("the client got %v", err)
	}
}

func TestTheEndOfTheChannelResetsClients(t *testing.T) {
	d := newDriver(t)
	clients := events(d)
	conn := connect(t, listenSocks(d, 10, patience))
	conn.Write([]byte("one"))
	within(t, "the bytes", clients)
	d.close()
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client read %v", err)
	}
}

func TestLongHandshakesComeInPieces(t *testing.T) {
	d := newDriver(t)
	got := make(chan []byte, 1)
	var all []byte
	const size = 20000
	d.negotiate = func(d *driver, event message.Client) {
		all = append(all, event.Bytes...)
		if len(event.Bytes) > 4<<10 {
			t.Errorf("%d bytes came at once", len(event.Bytes))
		}
		if len(all) == size {
			got <- all
		}
		d.notify(message.EventClientWrite, message.ClientWrite{Client: event.Client})
	}
	sent := bytes.Repeat([]byte("0123456789"), size/10)
	connect(t, listenSocks(d, 10, patience)).Write(sent)
	if !bytes.Equal(within(t, "the handshake", got), sent) {
		t.Error("the pieces are not what was sent")
	}
}
