package dialsocket

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestTheSocketIsTheUsersAlone(t *testing.T) {
	f := serve(t)
	info, err := os.Stat(f.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	f.server.Close()
	if _, err := os.Stat(f.path); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestASocketThatNobodyServesIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dial.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	s, err := Listen(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Listen(Options{Path: path}); message.CodeOf(err) != message.Busy {
		t.Errorf("a second server gave %v", err)
	}
}

func TestAFileIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dial.sock")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(Options{Path: path}); err == nil {
		t.Error("it was replaced")
	}
	if got, err := os.ReadFile(path); string(got) != "mine" || err != nil {
		t.Errorf("it has %q, %v", got, err)
	}
}

func TestHelloIsAnsweredByWelcomeWithTheBoard(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	if want := []byte{1, 2, 6, 0, 2, 1}; !bytes.Equal(p.Welcome, want) {
		t.Errorf("WELCOME is %x; want %x", p.Welcome, want)
	}
	if string(p.Board[:4]) != "TPB1" {
		t.Errorf("the board begins with %q", p.Board[:4])
	}
}

func TestAnotherTokenClosesTheChannel(t *testing.T) {
	f := serve(t)
	for _, other := range []string{"", "x", strings.Repeat("u", 32), token + "t", token[:31]} {
		if _, err := dialtest.Connect(t, f.path, other); err == nil {
			t.Errorf("token %q was taken", other)
		}
	}
}

func TestABootstrapServesAWholeFamily(t *testing.T) {
	f := serve(t)
	parent := dialtest.Must(t, f.path, token)
	for range 10 {
		child := parent.Fork(token)
		if child.Resolve("hello") == nil {
			t.Error("a child gets no answer")
		}
		child.Close()
		within(t, "the child's end", f.closed)
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	addr := netip.AddrPortFrom(destination.Addr(), 0)
	name := []byte("\x05hello")
	for _, tt := range []struct {
		name string
		got  []byte
		want []byte
	}{
		{"addresses", p.Resolve("hello"), dialtest.Message(6, append(append([]byte{0, 1}, name...), dialtest.Address(addr)...))},
		{"names", p.Ask(7, dialtest.Address(addr)), dialtest.Message(8, append([]byte{0, 1}, name...))},
		{"a query", p.Ask(9, []byte("twelve bytes")), dialtest.Message(10, []byte("twelve bytes"))},
		{"no answer", p.Ask(9, nil), nil},
	} {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("%s: got %x; want %x", tt.name, tt.got, tt.want)
		}
	}
}

func TestAFlowIsAnsweredByItsSocket(t *testing.T) {
	f := serve(t)
	p := dialtest.Must(t, f.path, token)
	udp, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(udp)
	want := dialtest.Message(12, append(make([]byte, 4), dialtest.Address(netip.MustParseAddrPort("127.0.0.1:4000"))...))
	if got := p.Ask(11, dialtest.Address(destination), udp); !bytes.Equal(got, want) {
		t.Errorf("got %x; want %x", got, want)
	}
	refused := p.Ask(11, dialtest.Address(netip.AddrPortFrom(destination.Addr(), 1)), udp)
	if errno := binary.LittleEndian.Uint32(refused[4:]); unix.Errno(errno) != unix.EACCES || !bytes.Equal(refused[8:], make([]byte, 20)) {
		t.Errorf("a refusal is %x", refused)
	}
	if got := p.Ask(11, dialtest.Address(destination), dialtest.NewSocket(t, 0).FD); got != nil {
		t.Errorf("a TCP socket got %x", got)
	}
}

func TestQuestionsBeyondTheLimitAreToldToTryAgain(t *testing.T) {
	f := serve(t)
	answer := make(chan struct{})
	f.answerAfter(answer)
	p := dialtest.Must(t, f.path, token)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	for range maxQuestions {
		p.Send(dialtest.Message(5, []byte("\x01\x01a")), pair[1])
	}
	if got := p.Resolve("b"); len(got) < 5 || Status(got[4]) != Again {
		t.Errorf("got %x", got)
	}
	close(answer)
	until(t, "an answer", func() bool { got := p.Resolve("b"); return Status(got[4]) == Found })
}

func TestGarbageClosesItsChannelAlone(t *testing.T) {
	f := serve(t)
	bystander := dialtest.Must(t, f.path, token)
	before := 0
	for _, v := range readVectors(t) {
		if v.From != "program" || v.Valid || len(v.Hex) == 0 {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			p := dialtest.Must(t, f.path, token)
			attached := make([]int, v.Descriptors)
			for i := range attached {
				attached[i] = dialtest.NewSocket(t, 0).FD
			}
			if v.On == "bootstrap" {
				if err := p.SendBootstrap(v.bytes(t)); err != nil {
					t.Fatal(err)
				}
				if err := p.BootstrapClosed(); err != nil {
					t.Error(err)
				}
				return
			}
			p.Send(v.bytes(t), attached...)
			if err := p.Closed(); err != nil {
				t.Error(err)
			}
		})
		// What the test had open itself is closed by now.
		if before == 0 {
			before = descriptors(t)
		}
	}
	until(t, "the end of the descriptors", func() bool { return descriptors(t) <= before })
	if bystander.Resolve("hello") == nil {
		t.Error("another process gets no answer any more")
	}
}

func TestAnotherUserIsNotServed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: needs root")
	}
	f := serve(t)
	// Root opens the way; whose connection it is is what counts.
	for path := f.path; path != "/tmp" && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	const nobody = 65_534
	for _, tt := range []struct {
		uid    int
		served bool
	}{{0, true}, {nobody, false}} {
		fd := connectAs(t, tt.uid, f.path)
		if served := fd >= 0 && !hasEnded(t, fd, tt.served); served != tt.served {
			t.Errorf("user %d is served: %v", tt.uid, served)
		}
		unix.Close(fd)
	}
}
