package lab

import (
	"context"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tailscale.com/net/netmon"
	"tailscale.com/net/netns"
)

func TestLeavesSocketsToTheHostsRouting(t *testing.T) {
	ApplyEnvironment()
	conn, err := netns.Listener(t.Logf, netmon.NewStatic()).ListenPacket(context.Background(), "udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	mark, device := socketOptions(t, raw)
	if mark != 0 || device != "" {
		t.Errorf("a socket of tailscale's has mark %#x and device %q; want neither", mark, device)
	}
}

func socketOptions(t *testing.T, raw syscall.RawConn) (mark int, device string) {
	t.Helper()
	var markErr, deviceErr error
	err := raw.Control(func(fd uintptr) {
		mark, markErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK)
		device, deviceErr = unix.GetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
	})
	for _, err := range []error{err, markErr, deviceErr} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return mark, device
}
