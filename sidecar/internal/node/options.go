package node

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/exitnode"
	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/netstack"
)

// Options says which node to be.
type Options struct {
	Hostname string
	// StateDir is made (0700) unless it is there; it must be ours and closed to others.
	StateDir string
	// AuthKey is a secret: it is in no error and no log.
	AuthKey string
	// ControlURL is Tailscale's own when empty.
	ControlURL string
	// Ephemeral nodes leave the tailnet when they end.
	Ephemeral bool
	Tags      []string
	// LoginTimeout is how long Start waits for login and approval; 0 is for ever.
	LoginTimeout time.Duration
	// Lab says that the control server is a lab's; else a control server on loopback is asked.
	Lab bool
	// TailscaleLogs leaves Tailscale's log upload on.
	TailscaleLogs bool
	Stack         netstack.Options
	// Host dials what is not the tailnet's; nil is one of the node's own.
	Host *hostdial.Dialer

	// OnState is told of every change, from one goroutine.
	OnState func(state message.State, detail string)
	// OnRouting is told when the peers' routes or the exit node may have changed.
	OnRouting func()
	// OnExitNode is told of each change of the exit node, in order; nil is none.
	OnExitNode func(state *exitnode.State)
	// OnAuthURL is told where to log in.
	OnAuthURL func(url string)
	// Logf takes Tailscale's verbose log; nil drops it.
	Logf func(format string, args ...any)
}

var errStateDir = errors.New("the state directory must belong to the user that runs tailproxy and be closed to others")

func prepareStateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the state directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("looking at the state directory: %w", err)
	}
	if !info.IsDir() {
		return message.Errorf(message.Denied, "%w, and %s is not a directory", errStateDir, dir)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return message.Errorf(message.Denied, "%w, and %s has mode %04o; run chmod 700 on it", errStateDir, dir, mode)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return message.Errorf(message.Denied, "%w, and %s belongs to user %d", errStateDir, dir, stat.Uid)
	}
	return nil
}

// lockStateDir keeps a second node from using the same keys. The lock goes with the process.
func lockStateDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(dir+"/sidecar.lock", os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the state directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, message.Errorf(message.Busy, "the state directory %s is in use by %s; end that, or use another directory", dir, holderOf(file))
		}
		return nil, fmt.Errorf("locking the state directory: %w", err)
	}
	// For the message above only: the lock itself is the kernel's, and ends with the process.
	if err := file.Truncate(0); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking the state directory: %w", err)
	}
	if _, err := fmt.Fprintf(file, "%d\n", os.Getppid()); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking the state directory: %w", err)
	}
	return file, nil
}

// holderOf names the process that holds the lock: the driver, which is what a user can see and end.
func holderOf(file *os.File) string {
	text := make([]byte, 32)
	n, err := file.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "another process"
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

// directClient asks a control server on loopback without any proxy.
func directClient() *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
}
