package dialsocket

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// bootstrap serves one connection to the path. It is inherited by whole families of processes, each of which says HELLO.
func (s *Server) bootstrap(conn *net.UnixConn) {
	defer s.forget(s.bootstraps, conn)
	if !mayConnect(conn) {
		return
	}
	receiver, err := newReceiver(conn)
	if err != nil {
		return
	}
	for {
		datagram, descriptors, err := receiver.next()
		if err != nil {
			closeAll(descriptors)
			return
		}
		hello, err := decodeHello(datagram, len(descriptors))
		if err != nil {
			closeAll(descriptors)
			return
		}
		s.hello(hello, descriptors[0])
	}
}

// mayConnect reports whether a connection is of this process's user or of root. A program that changes its user later
// keeps what it has.
func mayConnect(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return err == nil && failed == nil && (peer.Uid == 0 || int(peer.Uid) == os.Geteuid())
}

// hello takes over the channel that came with a message.
func (s *Server) hello(hello helloMessage, fd int) {
	if !isPacketSocket(fd) || unix.SetNonblock(fd, true) != nil {
		unix.Close(fd)
		return
	}
	c := &channel{server: s, fd: fd, file: os.NewFile(uintptr(fd), "channel"), pid: int(hello.pid)}
	if !s.keep(s.channels, maxChannels, c.file) {
		return
	}
	var err error
	if c.run, err = s.options.Runs.Hello(hello.token, c.pid); err != nil {
		s.forget(s.channels, c.file)
		return
	}
	s.tasks.Go(func() { c.serve(hello.welcome) })
}
