package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// locks runs the role on a file and returns its exit status and what it says.
func locks(t *testing.T, file *os.File, args ...string) (status int, says string) {
	t.Helper()
	cmd, stdout, stderr := command(t, append([]string{"lock"}, args...)...)
	if file != nil {
		cmd.ExtraFiles = []*os.File{file}
	}
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), stdout.String() + stderr.String()
}

func TestLockIsItsParentsWhenItHasEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, second := open(t, path), open(t, path)
	if status, says := locks(t, first); status != 0 || says != "" {
		t.Fatalf("the first lock: %d, %q", status, says)
	}
	if status, says := locks(t, second, "--nonblock"); status != exitFailure || says != "" {
		t.Errorf("a lock of another's: %d, %q", status, says)
	}
	if status, says := locks(t, first, "--nonblock"); status != 0 || says != "" {
		t.Errorf("a lock of one's own: %d, %q", status, says)
	}
	first.Close()
	if status, says := locks(t, second, "--nonblock"); status != 0 || says != "" {
		t.Errorf("after the holder's end: %d, %q", status, says)
	}
}

func TestLockWaitsForItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder, waiter := open(t, path), open(t, path)
	if err := unix.Flock(int(holder.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd, _, _ := command(t, "lock")
	cmd.ExtraFiles = []*os.File{waiter}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(holder.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if err := unix.Flock(int(holder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
		t.Errorf("the lock is free: %v", err)
	}
}

func TestLockSaysWhatIsWrong(t *testing.T) {
	for name, args := range map[string][]string{"no-descriptor": nil, "unknown-flag": {"--wait"}} {
		t.Run(name, func(t *testing.T) {
			status, says := locks(t, nil, args...)
			if status != exitUsage || strings.Count(says, "\n") != 1 {
				t.Errorf("%d, %q", status, says)
			}
		})
	}
}
