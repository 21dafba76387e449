package datagram

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernel is a UDP socket of the host.
type kernel struct {
	conn *net.UDPConn
	raw  syscall.RawConn

	// What the functions given to raw work on, since new ones would be allocated for each batch.
	reading struct {
		try   func(fd uintptr) bool
		pool  *Pool
		batch *Batch
		errno unix.Errno
	}
	writing struct {
		sync.Mutex
		try      func(fd uintptr) bool
		batch    *Batch
		from     int
		to       unix.RawSockaddrInet6
		toLength uint32
		errno    unix.Errno
	}
}

func newKernel(conn *net.UDPConn) (*kernel, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("taking %v over: %w", conn.LocalAddr(), err)
	}
	k := &kernel{conn: conn, raw: raw}
	k.reading.try = k.tryReceive
	k.writing.try = k.trySend
	return k, nil
}

// next waits for datagrams. It is for one goroutine.
func (k *kernel) next(pool *Pool) (*Batch, error) {
	r := &k.reading
	r.pool, r.batch, r.errno = pool, nil, 0
	err := k.raw.Read(r.try)
	if err == nil && r.errno != 0 {
		err = os.NewSyscallError("recvmmsg", r.errno)
	}
	if err != nil && r.batch != nil {
		pool.put(r.batch)
		r.batch = nil
	}
	return r.batch, err
}

func (k *kernel) tryReceive(fd uintptr) bool {
	r := &k.reading
	r.batch = r.pool.get()
	if r.errno = r.batch.receive(fd); r.errno != unix.EAGAIN {
		return true
	}
	r.pool.put(r.batch)
	r.batch, r.errno = nil, 0
	return false
}

// sendTo sends a batch to one address, or to whom the socket is connected when that is not valid. Loopback delivers at
// once, so it hardly ever waits.
func (k *kernel) sendTo(batch *Batch, to netip.AddrPort) error {
	w := &k.writing
	w.Lock()
	defer w.Unlock()
	w.batch, w.from, w.errno, w.toLength = batch, 0, 0, 0
	if to.IsValid() {
		w.to, w.toLength = rawOf(to, false)
	}
	err := k.raw.Write(w.try)
	w.batch = nil
	if err == nil && w.errno != 0 {
		err = os.NewSyscallError("sendmmsg", w.errno)
	}
	return err
}

func (k *kernel) trySend(fd uintptr) bool {
	w := &k.writing
	var to *unix.RawSockaddrInet6
	if w.toLength > 0 {
		to = &w.to
	}
	w.from, w.errno = w.batch.send(fd, to, w.toLength, w.from)
	return w.errno != unix.EAGAIN
}

func (k *kernel) close() { k.conn.Close() }
