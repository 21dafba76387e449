// Package dialtest plays the preload library's part towards a dial socket, for tests: one process with its channel.
package dialtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a socket of a test waits for what must come.
const patience = time.Minute

// Program is one process.
type Program struct {
	t         testing.TB
	bootstrap int
	channel   int
	// Welcome is the datagram that answered HELLO.
	Welcome []byte
	// Board is what it brought.
	Board Board
}

// Connect opens a channel at the dial socket of path. It fails when the sidecar closes it instead.
func Connect(t testing.TB, path, token string) (*Program, error) {
	t.Helper()
	p := &Program{t: t, bootstrap: -1, channel: -1}
	t.Cleanup(p.Close)
	if err := p.connect(path); err != nil {
		return nil, err
	}
	if err := p.open(token, true); err != nil {
		return nil, err
	}
	return p, nil
}

// Family is a process that has connected and said whose it is, but has no channel.
func Family(t testing.TB, path, token string) *Program {
	t.Helper()
	p := &Program{t: t, bootstrap: -1, channel: -1}
	t.Cleanup(p.Close)
	err := p.connect(path)
	if err == nil {
		err = p.SendBootstrap(Message(1, helloBody(token, false)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Must is Connect for a test that cannot go on without.
func Must(t testing.TB, path, token string) *Program {
	t.Helper()
	p, err := Connect(t, path, token)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Fork is another process of the same family: it has the bootstrap and the board, and a channel of its own.
func (p *Program) Fork(token string) *Program {
	p.t.Helper()
	child := &Program{t: p.t, bootstrap: dup(p.t, p.bootstrap), channel: -1, Board: p.Board}
	p.t.Cleanup(child.Close)
	if err := child.open(token, false); err != nil {
		p.t.Fatal(err)
	}
	return child
}

func (p *Program) connect(path string) (err error) {
	if p.bootstrap, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	return unix.Connect(p.bootstrap, &unix.SockaddrUnix{Name: path})
}

func helloBody(token string, welcome bool) []byte {
	body := binary.LittleEndian.AppendUint32(nil, uint32(os.Getpid()))
	if welcome {
		body = append(body, 1)
	} else {
		body = append(body, 0)
	}
	return append(append(body, byte(len(token))), token...)
}

func (p *Program) open(token string, welcome bool) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	p.channel = pair[0]
	err = unix.Sendmsg(p.bootstrap, Message(1, helloBody(token, welcome)), unix.UnixRights(pair[1]), nil, unix.MSG_NOSIGNAL)
	unix.Close(pair[1])
	if err != nil || !welcome {
		return err
	}
	return p.readWelcome()
}

func (p *Program) readWelcome() error {
	buffer, control := make([]byte, 100), make([]byte, unix.CmsgSpace(4))
	n, controlled, _, _, err := unix.Recvmsg(p.channel, buffer, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the channel was closed")
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlled])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("WELCOME brought %d control messages: %w", len(messages), err)
	}
	rights, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return err
	}
	p.Welcome = buffer[:n]
	p.Board, err = MapBoard(rights[0])
	return errors.Join(err, unix.Close(rights[0]))
}

// Close is the end of the process, but for the sockets that it has made.
func (p *Program) Close() {
	for _, fd := range []*int{&p.bootstrap, &p.channel} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// Send sends one datagram on the channel.
func (p *Program) Send(datagram []byte, descriptors ...int) {
	p.t.Helper()
	var rights []byte
	if len(descriptors) > 0 {
		rights = unix.UnixRights(descriptors...)
	}
	if err := unix.Sendmsg(p.channel, datagram, rights, nil, unix.MSG_NOSIGNAL); err != nil {
		p.t.Fatal(err)
	}
}

// SendBootstrap sends one datagram on the bootstrap.
func (p *Program) SendBootstrap(datagram []byte) error {
	return unix.Sendmsg(p.bootstrap, datagram, nil, nil, unix.MSG_NOSIGNAL)
}

// Closed waits until the sidecar has closed the channel. What is unread before that is dropped.
func (p *Program) Closed() error { return closed(p.channel) }

// BootstrapClosed waits until the sidecar has closed the bootstrap.
func (p *Program) BootstrapClosed() error { return closed(p.bootstrap) }

func closed(fd int) error {
	timeout := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return err
	}
	for {
		n, _, err := unix.Recvfrom(fd, make([]byte, 100), 0)
		if errors.Is(err, unix.ECONNRESET) || err == nil && n == 0 {
			return nil // reset, when it had not read all of ours
		}
		if err != nil {
			return err
		}
	}
}

// Dial asks for a dial of a socket. The program's connect() is to follow.
func (p *Program) Dial(socket int, destination netip.AddrPort) {
	p.t.Helper()
	p.Send(Message(3, Address(destination)), socket)
}

// Cancel says that a socket was closed.
func (p *Program) Cancel(cookie uint64) {
	p.t.Helper()
	p.Send(Message(4, binary.LittleEndian.AppendUint64(nil, cookie)))
}

// Ask sends a question and returns the answer, nil for none. A socket of the program may come with it.
func (p *Program) Ask(kind byte, body []byte, descriptors ...int) []byte {
	p.t.Helper()
	reply := p.question(kind, body, descriptors...)
	defer unix.Close(reply)
	answer := make([]byte, 1<<16)
	n, _, err := unix.Recvfrom(reply, answer, 0)
	if err != nil {
		p.t.Fatalf("waiting for an answer: %v", err)
	}
	if n == 0 {
		return nil
	}
	return answer[:n]
}

// question sends one and returns the socket on which its answer comes.
func (p *Program) question(kind byte, body []byte, descriptors ...int) (reply int) {
	p.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Send(Message(kind, body), append([]int{pair[1]}, descriptors...)...)
	unix.Close(pair[1])
	timeout := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(pair[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		p.t.Fatal(err)
	}
	return pair[0]
}

// Resolve returns the answer to RESOLVE for both families.
func (p *Program) Resolve(name string) []byte {
	p.t.Helper()
	return p.Ask(5, append([]byte{3, byte(len(name))}, name...))
}

// Tarpit returns the address to connect to, for an IPv4 or IPv6 socket.
func (p *Program) Tarpit(v6 bool) unix.Sockaddr {
	if v6 {
		return &unix.SockaddrInet6{Addr: [16]byte(p.Board[20:36]), Port: int(binary.LittleEndian.Uint16(p.Board[14:]))}
	}
	return &unix.SockaddrInet4{Addr: [4]byte(p.Board[16:20]), Port: int(binary.LittleEndian.Uint16(p.Board[12:]))}
}

// Resolver returns the first resolver on the board.
func (p *Program) Resolver() (netip.Addr, bool) { return p.Board.Resolver() }

// Failure returns the errno that the board has for a socket, 0 for none.
func (p *Program) Failure(cookie uint64) syscall.Errno {
	bucket := cookie * 0x9e3779b97f4a7c15 >> 52
	for way := range uint64(8) {
		entry := p.Board[failuresAt+(bucket*8+way)*16:]
		if binary.LittleEndian.Uint64(entry) == cookie {
			return syscall.Errno(binary.LittleEndian.Uint32(entry[8:]))
		}
	}
	return 0
}

// Peer returns the destination that the board has for an IPv4 socket, in the bytes of an entry behind the cookie.
func (p *Program) Peer(port uint16, cookie uint64) netip.AddrPort {
	entry := p.Board[peers4At+int(port)*32:]
	if binary.LittleEndian.Uint64(entry) != cookie {
		return netip.AddrPort{}
	}
	addr := netip.AddrFrom4([4]byte(entry[8:12]))
	if entry[26] == 6 {
		addr = netip.AddrFrom16([16]byte(entry[8:24]))
	}
	return netip.AddrPortFrom(addr, binary.LittleEndian.Uint16(entry[24:]))
}

// Message returns a datagram.
func Message(kind byte, body []byte) []byte {
	datagram := []byte{1, kind}
	datagram = binary.LittleEndian.AppendUint16(datagram, uint16(4+len(body)))
	return append(datagram, body...)
}

// Address returns an ADDRESS.
func Address(address netip.AddrPort) []byte {
	encoded := make([]byte, 20)
	encoded[0] = 6
	if address.Addr().Is4() {
		encoded[0] = 4
	}
	binary.LittleEndian.PutUint16(encoded[2:], address.Port())
	copy(encoded[4:], address.Addr().AsSlice())
	return encoded
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return other
}
