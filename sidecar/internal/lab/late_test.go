package lab

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestWhatAClientSendsComesLateWholeAndToItsEnd(t *testing.T) {
	server, err := net.Listen("tcp4", net.JoinHostPort(loopback, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const delay = 20 * time.Millisecond
	late, err := listenLate(server.Addr(), delay)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	client, err := net.Dial("tcp4", late.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	upstream, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	sent := bytes.Repeat([]byte("0123456789"), 10*lateChunk)
	begun := time.Now()
	go func() {
		_, _ = client.Write(sent)
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(upstream, got); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < delay {
		t.Errorf("it came after %v", took)
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes came")
	}
	if _, err := upstream.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 6)
	if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "answer" {
		t.Errorf("got %q, %v", answer, err)
	}
	client.Close()
	if _, err := upstream.Read(got); !errors.Is(err, io.EOF) {
		t.Errorf("its end was %v", err)
	}
}
