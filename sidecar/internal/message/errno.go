package message

import "syscall"

// Errno is what connect() gives a wrapped program for a failure with this code: packages/sidecar/vectors/errors.json.
func (c Code) Errno() syscall.Errno {
	switch c {
	case Refused:
		return syscall.ECONNREFUSED
	case Unreachable, NoSuchHost:
		return syscall.EHOSTUNREACH
	case TimedOut:
		return syscall.ETIMEDOUT
	case Denied:
		return syscall.EACCES
	case NotConnected, ExitNodeDown, NoRoute:
		return syscall.ENETUNREACH
	}
	return syscall.ENETDOWN
}
