package dialsocket

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// bootstrap serves one connection to the path. It is inherited by whole families of processes, each of which says HELLO.
func (s *Server) bootstrap(conn *net.UnixConn, heard func()) {
	defer heard()
	defer s.forget(s.bootstraps, conn)
	families := families{runs: s.options.Runs}
	defer families.leave()
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
		families.join(hello.token)
		heard()
		if len(descriptors) > 0 {
			s.hello(hello, descriptors[0])
		}
	}
}

// families are the runs whose processes have shown a bootstrap. There is one, but for a run that another was started from.
type families struct {
	runs Runs
	left map[string]func()
}

func (f *families) join(token []byte) {
	if _, ok := f.left[string(token)]; ok {
		return
	}
	left, err := f.runs.Family(token)
	if err != nil {
		return // what has an unknown token gets no channel either
	}
	if f.left == nil {
		f.left = map[string]func(){}
	}
	f.left[string(token)] = left
}

func (f *families) leave() {
	for _, left := range f.left {
		left()
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
