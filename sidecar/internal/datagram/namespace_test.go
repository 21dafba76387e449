package datagram

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace is set in the environment of a test that runs in a network of its own.
const inNamespace = "TAILPROXY_TEST_NAMESPACE"

// withoutIPv6Loopback runs the test again in a network that has 127.0.0.1 and not ::1. It returns true there, and false in the one
// that was first, which then has the other's result.
func withoutIPv6Loopback(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		prepareLoopback(t)
		return true
	}
	again := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.count=1")
	again.Env = append(os.Environ(), inNamespace+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	output, err := again.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Skip("needs user namespaces:", err)
	}
	if err != nil {
		t.Errorf("in a network without ::1: %v\n%s", err, output)
	}
	return false
}

// prepareLoopback brings lo up, which gives it ::1 unless it may have no IPv6.
func prepareLoopback(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/lo/disable_ipv6", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}
