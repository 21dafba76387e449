package tarpit

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// getMemInfo reads SO_MEMINFO, for which x/sys/unix has no function.
func getMemInfo(fd int, info *[9]uint32) error {
	size := uint32(unsafe.Sizeof(*info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
