package noderole

import (
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/dialsocket/dialtest"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// awaitEnd returns when a process that was killed is no more.
func awaitEnd(t *testing.T, process *os.Process) {
	t.Helper()
	for deadline := time.Now().Add(patience); process.Signal(syscall.Signal(0)) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the process does not end")
		}
	}
}

// What programs that outlive a sidecar find is proven by native/preload/test/cases/restart.mjs.
func TestASidecarTakesThePlaceOfOneThatWasKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dial.sock")
	var port uint16
	for range 3 {
		d, process := newProcess(t)
		serving := request[message.ServeDialsResult](d, message.MethodServeDials, message.ServeDials{Path: path})
		if serving.Tarpit == message.TarpitNone {
			t.Skipf("skipped: needs tarpits (%s)", serving.Detail)
		}
		listening := request[message.ListenSocksResult](d, message.MethodListenSocks, message.ListenSocks{
			Host: "127.0.0.1", Port: port, Cap: many, HandshakeMs: message.Timeout(patience.Milliseconds()),
		})
		address := netip.MustParseAddrPort(listening.Address)
		if port == 0 {
			port = address.Port()
		}
		if address.Port() != port {
			t.Errorf("it listens on port %d; want %d as before", address.Port(), port)
		}
		connect(t, listening.Address)
		if _, err := dialtest.Connect(t, path, token); err == nil {
			t.Error("a run that was not registered yet is welcomed")
		}
		d.call(message.MethodRegister, register("a", message.Policy{}))
		program := dialtest.Must(t, path, token)
		if !program.Board.Everything() {
			t.Error("without a netmap programs may take destinations for the host's")
		}
		if !program.Board.Lives() {
			t.Error("the board of a living sidecar is marked as a dead one's")
		}
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		awaitEnd(t, process)
		if program.Board.Lives() {
			t.Error("the board of a dead sidecar is marked as a living one's")
		}
	}
}
