// Package deep spares goroutines the growing of their stacks.
package deep

// room is what the calls of a connection need, from here down into gVisor's stack, in bytes.
const room = 12 << 10

// Stack makes the goroutine's stack as deep as a connection's calls need, in one step while there is nothing on it. Otherwise the
// runtime doubles it from 2 KiB three or four times, and each time copies what is there and mends its pointers: 45 of the 240 µs that a connect cost in
// user mode.
//
//go:noinline
func Stack() {
	var frame [room]byte
	touch(&frame)
}

//go:noinline
func touch(frame *[room]byte) { frame[0] = 1 }
