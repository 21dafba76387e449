package dialsocket

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxDescriptors is how many come with one message that is in order, and one more.
const maxDescriptors = 3

// receiver reads datagrams with descriptors from a socket that is registered with the runtime's poller.
type receiver struct {
	raw     syscall.RawConn
	buffer  [maxMessage + 1]byte
	control []byte
}

func newReceiver(conn syscall.Conn) (*receiver, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &receiver{raw: raw, control: make([]byte, unix.CmsgSpace(4*maxDescriptors))}, nil
}

var errTruncated = errors.New("a message that is too long or has too many descriptors")

// next returns one datagram, which is good until the next call, and its descriptors, which are the caller's also when
// there is an error. io.EOF is the end, and an empty datagram.
func (r *receiver) next() (datagram []byte, descriptors []int, err error) {
	var n, controlled, flags int
	var failed error
	err = r.raw.Read(func(fd uintptr) bool {
		for {
			n, controlled, flags, _, failed = unix.Recvmsg(int(fd), r.buffer[:], r.control, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
			// ECONNRESET, which the kernel tells once and before what lies in the queue: the program ended with
			// HOLD unread.
			if failed != unix.EINTR && failed != unix.ECONNRESET {
				return failed != unix.EAGAIN
			}
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, nil, err
	}
	descriptors, err = parseRights(r.control[:controlled])
	switch {
	case err != nil:
		return nil, descriptors, err
	case n == 0:
		return nil, descriptors, io.EOF
	case n > maxMessage, flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		return nil, descriptors, errTruncated
	}
	return r.buffer[:n], descriptors, nil
}

func parseRights(control []byte) ([]int, error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	var descriptors []int
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_RIGHTS {
			continue
		}
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return descriptors, err
		}
		descriptors = append(descriptors, fds...)
	}
	return descriptors, nil
}

func closeAll(descriptors []int) {
	for _, fd := range descriptors {
		unix.Close(fd)
	}
}

// send sends one datagram without waiting: who does not read what was asked for is not waited for.
func send(fd int, datagram []byte, descriptors ...int) error {
	var rights []byte
	if len(descriptors) > 0 {
		rights = unix.UnixRights(descriptors...)
	}
	return unix.Sendmsg(fd, datagram, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// isPacketSocket reports whether fd is what the protocol's channels are.
func isPacketSocket(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return false
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_UNIX
}

// isUDP reports whether fd is a UDP socket of IPv4 or IPv6.
func isUDP(fd int) bool {
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil || protocol != unix.IPPROTO_UDP {
		return false
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && (domain == unix.AF_INET || domain == unix.AF_INET6)
}
