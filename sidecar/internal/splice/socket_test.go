package splice

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketPair returns both ends of a connection over loopback, ours made by hand.
func socketPair(t *testing.T) (far *net.TCPConn, near *Socket) {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	remote := listener.Addr().(*net.TCPAddr).AddrPort()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: remote.Addr().As4(), Port: int(remote.Port())})
	if err == nil {
		err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		t.Fatal(err)
	}
	local := netip.MustParseAddrPort("127.0.0.1:1")
	if near, err = NewSocket(fd, local, remote); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(near.Abort)
	if far, err = listener.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	far.SetDeadline(time.Now().Add(patience))
	if near.Local() != local || near.RemoteAddr().String() != remote.String() {
		t.Errorf("it is %v to %v", near.Local(), near.RemoteAddr())
	}
	return far, near
}

func TestASocketIsOneSideOfASplice(t *testing.T) {
	program, near := socketPair(t)
	peer, remote := tcpPair(t)
	var counters Counters
	ended := make(chan error, 1)
	go func() { ended <- Join(near, remote, nil, new(Pool), &counters) }()
	program.Write([]byte("up"))
	program.CloseWrite()
	if got, err := io.ReadAll(peer); err != nil || string(got) != "up" {
		t.Errorf("the peer read %q, %v", got, err)
	}
	peer.Write([]byte("down!"))
	peer.CloseWrite()
	if got, err := io.ReadAll(program); err != nil || string(got) != "down!" {
		t.Errorf("the program read %q, %v", got, err)
	}
	if err := <-ended; err != nil || counters.Up.Load() != 2 || counters.Down.Load() != 5 {
		t.Errorf("it ended with %v after %d and %d bytes", err, counters.Up.Load(), counters.Down.Load())
	}
}

func TestASocketIsResetBothWays(t *testing.T) {
	far, near := socketPair(t)
	near.Abort()
	near.Abort()
	if _, err := io.ReadAll(far); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the far end read %v", err)
	}
	if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after it gave %v", err)
	}
	far, near = socketPair(t)
	far.SetLinger(0)
	far.Close()
	if _, _, err := near.next(new(Pool)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a read of a reset connection gave %v", err)
	}
}
