// Package board is the page of shared memory in which the sidecar tells wrapped programs what is known of their
// sockets: docs/preload-protocol.md, "The board". Programs map it read-only; nobody but this process writes it.
package board

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Board is a memory file that is mapped writable here. Its methods may be called from many goroutines; after Close
// they do nothing.
type Board struct {
	// memory is nil after Close. Who looks at it holds one of the locks, Close all of them.
	memory []byte
	// handed is what programs get: not to be written through, nor resized.
	handed int
	life   life

	routing  table
	failures failures
	peers    table
	flows    table
	clients  table
}

// table is a part of the board that one goroutine writes at a time.
type table struct{ sync.Mutex }

// open locks a part of the board, or reports false when the board is closed.
func (b *Board) open(t *table) bool {
	t.Lock()
	if b.memory == nil {
		t.Unlock()
		return false
	}
	return true
}

// New returns an empty board: no tarpit, no route.
func New() (*Board, error) {
	fd, err := unix.MemfdCreate("tailproxy-board", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("making the board: %w", err)
	}
	memory, err := mapped(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the board: %w", err), unix.Close(fd))
	}
	b := &Board{memory: memory, handed: fd}
	if err := b.setUp(); err != nil {
		return nil, errors.Join(fmt.Errorf("making the board: %w", err), b.Close())
	}
	return b, nil
}

func mapped(fd int) ([]byte, error) {
	if err := unix.Ftruncate(fd, size); err != nil {
		return nil, err
	}
	return unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (b *Board) setUp() error {
	copy(b.memory, magic)
	b.store32(atSize, size)
	if err := b.seal(); err != nil {
		return err
	}
	return b.life.begin(b.word32(atLife), func(thread uint32) { b.store32(atLife, thread) })
}

func (b *Board) seal() error {
	const always = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	_, err := unix.FcntlInt(uintptr(b.handed), unix.F_ADD_SEALS, always|unix.F_SEAL_FUTURE_WRITE)
	if errors.Is(err, unix.EINVAL) {
		// Linux before 5.1 cannot leave our mapping writable and forbid others. A descriptor that is read-only
		// cannot be mapped writable, and programs of the same user are not a boundary.
		if _, err = unix.FcntlInt(uintptr(b.handed), unix.F_ADD_SEALS, always); err == nil {
			err = b.reopen()
		}
	}
	if err != nil {
		return err
	}
	_, err = unix.FcntlInt(uintptr(b.handed), unix.F_ADD_SEALS, unix.F_SEAL_SEAL)
	if errors.Is(err, unix.EPERM) {
		return nil // a read-only descriptor cannot add seals, to anyone's good or harm
	}
	return err
}

func (b *Board) reopen() error {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", b.handed), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	unix.Close(b.handed)
	b.handed = fd
	return nil
}

// Descriptor returns what is sent to programs. It stays the board's.
func (b *Board) Descriptor() int { return b.handed }

// Close says that nobody writes the board any more, and gives the memory back. Programs keep their mapping of it.
func (b *Board) Close() error {
	for _, t := range []*table{&b.routing, &b.failures.table, &b.peers, &b.flows, &b.clients} {
		t.Lock()
		defer t.Unlock()
	}
	if b.memory == nil {
		return nil
	}
	b.life.finish()
	b.store32(atLife, ownerDied)
	unmapped := unix.Munmap(b.memory)
	b.memory = nil
	return errors.Join(unmapped, unix.Close(b.handed))
}
