package datagram

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/sockdiag"
)

// existence is what the kernel says of a program's socket.
type existence int

const (
	unknown existence = iota // this kernel lacks udp_diag
	exists
	gone
)

// lookFor asks whether the socket with a cookie is the one that gets what sender sends to receiver. The socket is found
// as the kernel finds it for a datagram, so that connected and unconnected ones of one port are told apart, and its cookie
// decides.
func lookFor(sender, receiver netip.AddrPort, cookie uint64) existence {
	errno, err := sockdiag.Find(unix.IPPROTO_UDP, sender, receiver, cookie)
	switch {
	case err != nil:
		return unknown
	case errno == 0:
		return exists
	case errno == unix.ESTALE:
		return gone // another socket has the address
	case errno == unix.ENOENT:
		// Nobody has it, or this kernel does not know how to look: then it does not find our own socket either.
		if errno, err := sockdiag.Find(unix.IPPROTO_UDP, receiver, sender, sockdiag.AnyCookie); err == nil && errno == 0 {
			return gone
		}
	}
	return unknown
}
