package datagram

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// existence is what the kernel says of a program's socket.
type existence int

const (
	unknown existence = iota // this kernel lacks udp_diag
	exists
	gone
)

const (
	diagByFamily = 20 // SOCK_DIAG_BY_FAMILY, linux/sock_diag.h
	anyState     = 0xffffffff
	anyCookie    = 1<<64 - 1
	// diagRequestSize is struct inet_diag_req_v2 behind its header, linux/inet_diag.h.
	diagRequestSize = unix.SizeofNlMsghdr + 56
)

// lookFor asks whether the socket with a cookie is the one that gets what sender sends to receiver: sock_diag(7). The
// socket is found as the kernel finds it for a datagram, so that connected and unconnected ones of one port are told
// apart, and its cookie decides.
func lookFor(sender, receiver netip.AddrPort, cookie uint64) existence {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return unknown
	}
	defer unix.Close(fd)
	switch askDiag(fd, sender, receiver, cookie) {
	case 0:
		return exists
	case unix.ESTALE:
		return gone // another socket has the address
	case unix.ENOENT:
		// Nobody has it, or this kernel does not know how to look: then it does not find our own socket either.
		if askDiag(fd, receiver, sender, anyCookie) == 0 {
			return gone
		}
	}
	return unknown
}

func askDiag(fd int, sender, receiver netip.AddrPort, cookie uint64) unix.Errno {
	if err := unix.Sendto(fd, diagRequest(sender, receiver, cookie), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return unix.EIO
	}
	var answer [1024]byte
	n, err := unix.Read(fd, answer[:])
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(fd, answer[:])
	}
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return unix.EIO
	}
	if binary.NativeEndian.Uint16(answer[4:]) == diagByFamily {
		return 0
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])))
}

func diagRequest(sender, receiver netip.AddrPort, cookie uint64) []byte {
	request := make([]byte, diagRequestSize)
	native := binary.NativeEndian
	native.PutUint32(request[0:], diagRequestSize)
	native.PutUint16(request[4:], diagByFamily)
	native.PutUint16(request[6:], unix.NLM_F_REQUEST)
	body := request[unix.SizeofNlMsghdr:]
	body[0] = unix.AF_INET6
	if receiver.Addr().Is4() {
		body[0] = unix.AF_INET
	}
	body[1] = unix.IPPROTO_UDP
	native.PutUint32(body[4:], anyState)
	// For UDP the kernel takes "source" for the sender of a datagram to the socket.
	binary.BigEndian.PutUint16(body[8:], sender.Port())
	binary.BigEndian.PutUint16(body[10:], receiver.Port())
	copy(body[12:28], sender.Addr().AsSlice())
	copy(body[28:44], receiver.Addr().AsSlice())
	native.PutUint32(body[48:], uint32(cookie))
	native.PutUint32(body[52:], uint32(cookie>>32))
	return request
}
