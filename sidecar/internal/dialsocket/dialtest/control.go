package dialtest

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// Control asks for a connection to the run's control socket and returns its descriptor, or the errno in its place.
func (p *Program) Control() (fd int, errno syscall.Errno) {
	p.t.Helper()
	reply := p.question(14, nil)
	defer unix.Close(reply)
	answer, control := make([]byte, 100), make([]byte, unix.CmsgSpace(8))
	n, controlled, _, _, err := unix.Recvmsg(reply, answer, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n != 8 || answer[1] != 15 {
		p.t.Fatalf("CONTROL is answered by %x, %v", answer[:max(n, 0)], err)
	}
	if errno = syscall.Errno(binary.LittleEndian.Uint32(answer[4:])); errno != 0 {
		if controlled != 0 {
			p.t.Fatal("an errno came with a descriptor")
		}
		return -1, errno
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlled])
	if err != nil || len(messages) != 1 {
		p.t.Fatalf("%d control messages, %v", len(messages), err)
	}
	rights, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(rights) != 1 {
		p.t.Fatalf("%d descriptors, %v", len(rights), err)
	}
	p.t.Cleanup(func() { unix.Close(rights[0]) })
	return rights[0], 0
}
