package dialsocket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
)

func TestControlIsAnsweredByAConnection(t *testing.T) {
	f := serve(t)
	path := filepath.Join(t.TempDir(), "control.sock")
	f.controlAt(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := dialtest.Must(t, f.path, token)
	before := descriptors(t)
	fd, errno := p.Control()
	if errno != 0 {
		t.Fatal(errno)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("its flags are %#x, %v", flags, err)
	}
	if _, err := unix.Write(fd, []byte("HELLO 2 1\n")); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 20)
	if n, err := conn.Read(line); string(line[:n]) != "HELLO 2 1\n" || err != nil {
		t.Errorf("read %q, %v", line[:n], err)
	}
	// The program's end and the listener's are left, and not the sidecar's.
	until(t, "the end of the sidecar's descriptor", func() bool { return descriptors(t) == before+2 })
}

func TestARunWithoutAControlSocketHasNone(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	if _, errno := p.Control(); errno != unix.ENOENT {
		t.Errorf("got %v", errno)
	}
}

func TestWhyAControlSocketCannotBeReachedIsTold(t *testing.T) {
	directory := t.TempDir()
	left := filepath.Join(directory, "left.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: left}); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	file := filepath.Join(directory, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		want       error
	}{
		{"nobody-listens", left, unix.ECONNREFUSED},
		{"no-socket", file, unix.ECONNREFUSED},
		{"not-there", filepath.Join(directory, "gone"), unix.ENOENT},
		{"not-given", "", unix.ENOENT},
	}
	before := descriptors(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ConnectControl(tt.path); !errors.Is(err, tt.want) {
				t.Errorf("got %v; want %v", err, tt.want)
			}
		})
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
