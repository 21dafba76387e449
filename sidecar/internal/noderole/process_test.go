package noderole

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

// childVariable makes the test binary a sidecar that speaks on descriptor 3.
const childVariable = "TAILPROXY_TEST_SIDECAR"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	unix.SetNonblock(3, true)
	if err := Run(context.Background(), os.NewFile(3, "channel")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newProcess speaks with a sidecar in a process of its own.
func newProcess(t testing.TB) (*driver, *os.Process) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(fds[0], true)
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr
	d := prepareDriver(t, ours)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	go func() {
		var exit *exec.ExitError
		err := cmd.Wait()
		if errors.As(err, &exit) && !exit.Exited() {
			err = nil // by a signal of ours
		}
		d.done <- err
	}()
	d.begin()
	return d, cmd.Process
}

func TestAKilledSidecarResetsPrograms(t *testing.T) {
	l := startLab(t, lab.Options{})
	d, process := newProcess(t)
	d.start(l)
	socks := d.listen()
	spliced := mustDial(t, socks, "hello", 7)
	spliced.Write([]byte("x"))
	if _, err := io.ReadFull(spliced, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	clients := events(d)
	negotiating := connect(t, socks)
	negotiating.Write([]byte("one"))
	within(t, "the bytes", clients)
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	for name, conn := range map[string]*net.TCPConn{"spliced": spliced, "negotiating": negotiating} {
		if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the %s client read %v", name, err)
		}
	}
}
