package tarpit

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/sockdiag"
)

// Exists reports whether the program's socket with a local address and a cookie still exists, connected or connecting to
// remote: any process may have it.
func Exists(local, remote netip.AddrPort, cookie uint64) (bool, error) {
	errno, err := sockdiag.Find(unix.IPPROTO_TCP, local, remote, cookie)
	switch {
	case err != nil:
		return false, fmt.Errorf("looking for a socket: %w", err)
	case errno == 0:
		return true, nil
	case errno == unix.ENOENT, errno == unix.ESTALE:
		return false, nil
	}
	return false, fmt.Errorf("looking for a socket: %w", errno)
}
