package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// serve serves one end of a connection and returns the other, and a channel that is closed when it has ended.
func serve(ctx context.Context, d *DNS) (net.Conn, <-chan struct{}) {
	client, server := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.ServeStream(ctx, server)
	}()
	return client, ended
}

func frame(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

func receive(t *testing.T, r io.Reader) dnsmessage.Message {
	t.Helper()
	answer, err := readFrame(r)
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, answer)
}

func TestAStreamAnswersQueriesAsTheirAnswersCome(t *testing.T) {
	f := newTailnet()
	f.gate = make(chan struct{})
	f.tailnet.add("git.corp.example", a("192.0.2.9"))
	client, ended := serve(t.Context(), &DNS{Resolver: kept(f)})
	slow := frame(asks{name: "git.corp.example.", kind: dnsmessage.TypeA, id: 1}.pack(t))
	quick := frame(asks{name: "web.x.ts.net.", kind: dnsmessage.TypeA, id: 2}.pack(t))
	// Both in one write, and in pieces.
	both := append(slow, quick...)
	for _, piece := range [][]byte{both[:1], both[1:20], both[20:]} {
		if _, err := client.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if m := receive(t, client); m.ID != 2 || text(m) != "Success; web.x.ts.net. 100.64.0.1" {
		t.Errorf("first came %d: %s", m.ID, text(m))
	}
	close(f.gate)
	if m := receive(t, client); m.ID != 1 || text(m) != "Success; git.corp.example. 192.0.2.9" {
		t.Errorf("then came %d: %s", m.ID, text(m))
	}
	client.Close()
	<-ended
}

func TestAStreamEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(client net.Conn, cancel func())
	}{
		{"when_the_client_is_idle", func(net.Conn, func()) { time.Sleep(streamIdle) }},
		{"when_half_a_query_comes", func(client net.Conn, _ func()) { _, _ = client.Write([]byte{0, 40, 1, 2}); time.Sleep(streamIdle) }},
		{"when_the_client_ends", func(client net.Conn, _ func()) { client.Close() }},
		{"with_its_context", func(_ net.Conn, cancel func()) { cancel() }},
		{"when_a_query_cannot_be_answered", func(client net.Conn, _ func()) { _, _ = client.Write([]byte{0, 1, 9}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				client, ended := serve(ctx, &DNS{Resolver: kept(newTailnet())})
				tt.do(client, cancel)
				<-ended
				if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the client read %v", err)
				}
			})
		})
	}
}

func TestAStreamReadsNoMoreThanItMayHaveUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTailnet()
		f.gate = make(chan struct{})
		client, ended := serve(t.Context(), &DNS{Resolver: kept(f)})
		query := frame(asks{name: "git.corp.example.", kind: dnsmessage.TypeA}.pack(t))
		for range maxUnderWay {
			if _, err := client.Write(query); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := client.Write(query); err == nil || n > 0 {
			t.Errorf("%d bytes of one more were read", n)
		}
		close(f.gate)
		for range maxUnderWay {
			receive(t, client)
		}
		client.Close()
		<-ended
	})
}
