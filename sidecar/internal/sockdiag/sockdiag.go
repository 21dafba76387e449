// Package sockdiag asks the kernel about sockets of this network namespace, whoever has them: sock_diag(7).
package sockdiag

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// AnyCookie is the cookie of any socket.
const AnyCookie = 1<<64 - 1

// Sizes in bytes, and where struct inet_diag_req_v2 of linux/inet_diag.h has its fields.
const (
	requestSize   = unix.SizeofNlMsghdr + 56
	atStates      = 4
	atSource      = 8
	atDestination = 10
	atAddresses   = 12
	atCookie      = 48

	anyState = ^uint32(0)

	requestProtocol = 3
	attributeSize   = 8

	// oneSize is more than any answer about one socket, manySize what the kernel fills at once with those about many.
	oneSize  = 1 << 10
	manySize = 32 << 10
)

// Find asks for the one socket of a protocol with a cookie that has these addresses: 0 when there is one, ENOENT, or ESTALE
// when another socket has them. For UDP the kernel takes source for the sender of a datagram to the socket.
func Find(protocol int, source, destination netip.AddrPort, cookie uint64) (unix.Errno, error) {
	fd, err := open()
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	request := newRequest(unix.NLM_F_REQUEST, family(destination.Addr()), protocol)
	body := request[unix.SizeofNlMsghdr:]
	binary.NativeEndian.PutUint32(body[atStates:], anyState)
	binary.BigEndian.PutUint16(body[atSource:], source.Port())
	binary.BigEndian.PutUint16(body[atDestination:], destination.Port())
	copy(body[atAddresses:], source.Addr().Unmap().AsSlice())
	copy(body[atAddresses+16:], destination.Addr().Unmap().AsSlice())
	// Two words, the lower one first.
	binary.NativeEndian.PutUint32(body[atCookie:], uint32(cookie))
	binary.NativeEndian.PutUint32(body[atCookie+4:], uint32(cookie>>32))
	answer, err := ask(fd, request, oneSize)
	if err != nil {
		return 0, err
	}
	if binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		return errnoOf(answer)
	}
	return 0, nil
}

func open() (int, error) {
	return unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
}

func family(addr netip.Addr) uint8 {
	if addr.Unmap().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func newRequest(flags uint16, family uint8, protocol int) []byte {
	request := make([]byte, requestSize, requestSize+attributeSize)
	if protocol > 0xff {
		// INET_DIAG_REQ_PROTOCOL, since the request's own field is one byte.
		request = binary.NativeEndian.AppendUint16(request, attributeSize)
		request = binary.NativeEndian.AppendUint16(request, requestProtocol)
		request = binary.NativeEndian.AppendUint32(request, uint32(protocol))
	}
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(request[6:], flags)
	request[unix.SizeofNlMsghdr] = family
	request[unix.SizeofNlMsghdr+1] = uint8(protocol)
	return request
}

// ask sends a request and returns the first part of its answer, of at most size bytes.
func ask(fd int, request []byte, size int) ([]byte, error) {
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	return receive(fd, make([]byte, size))
}

var errShort = errors.New("the kernel's answer is too short")

// receive returns one part of an answer, which the kernel has made by then: it answers within sendto() and recvmsg().
func receive(fd int, buffer []byte) ([]byte, error) {
	n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_DONTWAIT)
	for errors.Is(err, unix.EINTR) {
		n, _, err = unix.Recvfrom(fd, buffer, unix.MSG_DONTWAIT)
	}
	switch {
	case err != nil:
		return nil, err
	case n < unix.SizeofNlMsghdr+4:
		return nil, errShort
	}
	return buffer[:n], nil
}

func errnoOf(message []byte) (unix.Errno, error) {
	if len(message) < unix.SizeofNlMsghdr+4 {
		return 0, errShort
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(message[unix.SizeofNlMsghdr:]))), nil
}
