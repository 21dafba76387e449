package tarpit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sizes of sock_diag(7), in bytes, and where struct inet_diag_req_v2 has its fields.
const (
	diagRequestSize = 56
	diagAddresses   = 12
	diagCookie      = 48
)

// Exists reports whether the program's socket with a local address and a cookie still exists, connected or connecting to
// remote: any process may have it.
func Exists(local, remote netip.AddrPort, cookie uint64) (bool, error) {
	errno, err := askDiag(local, remote, cookie)
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

func askDiag(local, remote netip.AddrPort, cookie uint64) (unix.Errno, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, diagRequest(local, remote, cookie), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, err
	}
	// The kernel answers within sendto().
	answer := make([]byte, 8<<10)
	n, _, err := unix.Recvfrom(fd, answer, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	return diagAnswer(answer[:n])
}

func diagRequest(local, remote netip.AddrPort, cookie uint64) []byte {
	request := make([]byte, unix.SizeofNlMsghdr+diagRequestSize)
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST)
	body := request[unix.SizeofNlMsghdr:]
	body[0] = unix.AF_INET6
	if local.Addr().Unmap().Is4() {
		body[0] = unix.AF_INET
	}
	body[1] = unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(body[4:], ^uint32(0)) // in any state
	binary.BigEndian.PutUint16(body[8:], local.Port())
	binary.BigEndian.PutUint16(body[10:], remote.Port())
	copy(body[diagAddresses:], local.Addr().Unmap().AsSlice())
	copy(body[diagAddresses+16:], remote.Addr().Unmap().AsSlice())
	// Two words, the lower one first.
	binary.NativeEndian.PutUint32(body[diagCookie:], uint32(cookie))
	binary.NativeEndian.PutUint32(body[diagCookie+4:], uint32(cookie>>32))
	return request
}

var errDiagAnswer = errors.New("the kernel's answer is too short")

func diagAnswer(answer []byte) (unix.Errno, error) {
	if len(answer) < unix.SizeofNlMsghdr+4 {
		return 0, errDiagAnswer
	}
	if binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return 0, nil
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:]))), nil
}
