package board

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ownerDied is FUTEX_OWNER_DIED of linux/futex.h: what the kernel writes in place of a dead thread's number.
const ownerDied = 0x4000_0000

// robustList is struct robust_list_head of linux/futex.h with the only entry there ever is.
type robustList struct {
	first   uintptr
	offset  int
	pending uintptr
	next    uintptr
}

// life has the kernel mark the board when this process dies, however it dies: a thread of its own holds the board's word as
// it would hold a robust lock (set_robust_list(2)). The mark is there before the process's sockets are closed.
type life struct {
	// list is the kernel's to read while the thread lives: it is part of a Board, which does not move.
	list  robustList
	end   chan struct{}
	ended chan struct{}
}

// begin puts the mark of the living on the board.
func (l *life) begin(word *uint32, store func(uint32)) error {
	l.end, l.ended = make(chan struct{}), make(chan struct{})
	begun := make(chan error)
	go func() {
		defer close(l.ended)
		// Never unlocked: the thread ends with this goroutine.
		runtime.LockOSThread()
		list := &l.list
		list.next = uintptr(unsafe.Pointer(&list.first))
		list.first = uintptr(unsafe.Pointer(&list.next))
		list.offset = int(uintptr(unsafe.Pointer(word)) - list.first)
		_, _, errno := unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, uintptr(unsafe.Pointer(list)), unsafe.Offsetof(list.next), 0)
		if errno != 0 {
			begun <- fmt.Errorf("having the kernel tell of this process's end: set_robust_list: %w", errno)
			return
		}
		store(uint32(unix.Gettid()))
		begun <- nil
		<-l.end
		// Else the kernel would look for the word, where something else may be mapped by then, when the thread ends.
		unix.RawSyscall(unix.SYS_SET_ROBUST_LIST, 0, unsafe.Offsetof(list.next), 0)
		runtime.KeepAlive(l)
	}()
	return <-begun
}

// finish returns when the kernel will write to the board no more.
func (l *life) finish() {
	if l.end != nil {
		close(l.end)
		<-l.ended
	}
}
