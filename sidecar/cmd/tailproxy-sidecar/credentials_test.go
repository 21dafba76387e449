package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// accepted is a connection as its server has it, of which the client has sent "hello".
func accepted(t *testing.T) *net.UnixConn {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if _, err := io.WriteString(client, "hello"); err != nil {
		t.Fatal(err)
	}
	server, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

func TestCredentials(t *testing.T) {
	server := accepted(t)
	fd, err := server.File()
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	cmd, stdout, stderr := command(t, "credentials")
	cmd.ExtraFiles = []*os.File{fd}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	var said credentials
	if err := json.Unmarshal(stdout.Bytes(), &said); err != nil {
		t.Fatalf("it says %q: %v", stdout, err)
	}
	if want := (credentials{PID: int32(os.Getpid()), UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}); said != want {
		t.Errorf("it says %+v; want %+v", said, want)
	}
	left := make([]byte, 5)
	if _, err := io.ReadFull(server, left); err != nil || string(left) != "hello" {
		t.Errorf("what is left to read is %q, %v", left, err)
	}
}

func TestCredentialsOfNoSocket(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd, stdout, stderr := command(t, "credentials")
	cmd.ExtraFiles = []*os.File{null}
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitUsage {
		t.Errorf("it exits with %d", code)
	}
	if stdout.Len() != 0 || !strings.Contains(stderr.String(), "expects a Unix socket") {
		t.Errorf("it says %q and %q", stdout, stderr)
	}
}
