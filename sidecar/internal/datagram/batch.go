package datagram

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchLength is how many datagrams one system call moves at most.
	batchLength = 16
	// bufferSize is more than the largest datagram, in bytes. Of a buffer only the pages that were written take memory.
	bufferSize = 64 << 10

	// maxLent is how many batches are in use at once. Beyond that flows wait for each other, and their sockets drop.
	maxLent = 64

	// dropped is the length of a datagram that is not carried.
	dropped = -1
)

// Batch is datagrams on their way, in the form in which recvmmsg(2) and sendmmsg(2) take them.
type Batch struct {
	headers [batchLength]header
	vectors [batchLength]unix.Iovec
	names   [batchLength]unix.RawSockaddrInet6
	lengths [batchLength]int
	buffers []byte
	count   int
	// lost is how many of them the last send could not send because they are too long.
	lost int
}

// header is struct mmsghdr.
type header struct {
	message unix.Msghdr
	length  uint32
	_       uint32
}

// Pool lends batches. A flow holds one only while datagrams pass, so that idle ones cost none.
type Pool struct {
	pool sync.Pool
	lent chan struct{}
}

// NewPool returns a pool for pairs.
func NewPool() *Pool { return &Pool{lent: make(chan struct{}, maxLent)} }

func (p *Pool) get() *Batch {
	p.lent <- struct{}{}
	b, ok := p.pool.Get().(*Batch)
	if !ok {
		b = &Batch{buffers: make([]byte, batchLength*bufferSize)}
		for i := range b.headers {
			b.vectors[i].Base = &b.buffers[i*bufferSize]
			b.headers[i].message.Iov = &b.vectors[i]
			b.headers[i].message.Iovlen = 1
		}
	}
	b.count, b.lost = 0, 0
	return b
}

func (p *Pool) put(b *Batch) {
	p.pool.Put(b)
	<-p.lent
}

// next is the buffer for one datagram more, nil when there is room for none.
func (b *Batch) next() []byte {
	if b.count == batchLength {
		return nil
	}
	return b.buffers[b.count*bufferSize:][:bufferSize:bufferSize]
}

// add takes the datagram over that was put into next.
func (b *Batch) add(length int) {
	b.lengths[b.count] = length
	b.count++
}

// datagram returns the i-th; false when it is not to be carried.
func (b *Batch) datagram(i int) ([]byte, bool) {
	if b.lengths[i] == dropped {
		return nil, false
	}
	return b.buffers[i*bufferSize:][:b.lengths[i]], true
}

// bytes returns the sum of what is carried.
func (b *Batch) bytes() (sum uint64) {
	for _, length := range b.lengths[:b.count] {
		if length != dropped {
			sum += uint64(length)
		}
	}
	return sum
}

// receive takes what waits at a socket that does not block.
func (b *Batch) receive(fd uintptr) unix.Errno {
	for i := range b.headers {
		message := &b.headers[i].message
		message.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		message.Namelen = uint32(unsafe.Sizeof(b.names[i]))
		b.vectors[i].SetLen(bufferSize)
	}
	b.count = 0
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.headers)), batchLength, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			b.count = int(n)
			for i := range b.count {
				b.lengths[i] = int(b.headers[i].length)
			}
			return 0
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// send sends all to one address, or to whom the socket is connected when that is nil. It returns how many the kernel
// took: what it refused is lost, as on any network. EAGAIN with fewer than all means to come back with the rest.
func (b *Batch) send(fd uintptr, to *unix.RawSockaddrInet6, toLength uint32, from int) (done int, errno unix.Errno) {
	waiting := 0
	var places [batchLength]int
	var headers [batchLength]header
	for i := from; i < b.count; i++ {
		if b.lengths[i] == dropped {
			continue
		}
		b.vectors[i].SetLen(b.lengths[i])
		h := &headers[waiting]
		h.message.Name, h.message.Namelen = (*byte)(unsafe.Pointer(to)), toLength
		h.message.Iov, h.message.Iovlen = &b.vectors[i], 1
		places[waiting] = i
		waiting++
	}
	for sent := 0; sent < waiting; {
		n, _, failed := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&headers[sent])), uintptr(waiting-sent),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch failed {
		case 0:
			sent += int(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return places[sent], failed
		case unix.ECONNREFUSED:
			// What an earlier one drew. This one was not sent.
			errno = failed
		case unix.EMSGSIZE:
			b.lost++
			sent++
		default:
			sent++
		}
	}
	return b.count, errno
}

// source returns who sent the i-th.
func (b *Batch) source(i int) netip.AddrPort { return addrPortOf(&b.names[i]) }

func addrPortOf(raw *unix.RawSockaddrInet6) netip.AddrPort {
	switch raw.Family {
	case unix.AF_INET:
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), portOf(&four.Port))
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(raw.Addr).Unmap(), portOf(&raw.Port))
	}
	return netip.AddrPort{}
}

// rawOf returns an address as a socket of its family, or of IPv6 with mapped addresses, takes it, and its length.
func rawOf(address netip.AddrPort, mapped bool) (raw unix.RawSockaddrInet6, length uint32) {
	if address.Addr().Is4() && !mapped {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&raw))
		four.Family, four.Addr = unix.AF_INET, address.Addr().As4()
		setPort(&four.Port, address.Port())
		return raw, uint32(unsafe.Sizeof(*four))
	}
	raw.Family, raw.Addr = unix.AF_INET6, address.Addr().As16()
	setPort(&raw.Port, address.Port())
	return raw, uint32(unsafe.Sizeof(raw))
}

// Ports are in the network's order.

func portOf(port *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(port))[:]) }

func setPort(port *uint16, value uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(port))[:], value)
}
