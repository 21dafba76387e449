// Command tailproxy-sidecar is the part of TailProxy that is on the tailnet. TailProxy starts it and
// speaks with it on file descriptor 3 (docs/sidecar-channel.md).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/tailproxy/tailproxy/sidecar/internal/labrole"
	"github.com/tailproxy/tailproxy/sidecar/internal/noderole"
	"github.com/tailproxy/tailproxy/sidecar/internal/processors"
	"github.com/tailproxy/tailproxy/sidecar/internal/version"
)

// Exit statuses.
const (
	exitFailure = 1
	exitUsage   = 2
)

// channelFD is where the driver puts its end of the channel.
const channelFD = 3

// usageError is what someone who runs this by hand is told.
type usageError struct{ problem string }

func (e usageError) Error() string {
	return "this is the tailnet part of TailProxy, which starts it and speaks with it on file descriptor 3 (" +
		e.problem + "); run tailproxy instead"
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second signal ends the process at once, should the first have found something that hangs.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	fmt.Fprintln(os.Stderr, "tailproxy-sidecar:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailure)
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return usageError{"it takes one argument: node, lab, credentials or version"}
	}
	var role func(context.Context, io.ReadWriteCloser) error
	switch args[0] {
	case "version":
		_, err := fmt.Fprintf(stdout, "tailproxy-sidecar %s (tailscale %s)\n", version.Sidecar(), version.Tailscale())
		return err
	case "credentials":
		return writeCredentials(stdout)
	case "node":
		role = runNode
	case "lab":
		role = runLab
	default:
		return usageError{fmt.Sprintf("%q is not one of its roles", args[0])}
	}
	conn, err := openChannel(channelFD)
	if err != nil {
		return err
	}
	// The standard log is where tailscale's packages write what nobody asked for; stderr is for the one
	// line that says why the sidecar ended.
	log.SetOutput(io.Discard)
	return role(ctx, conn)
}

func runNode(ctx context.Context, conn io.ReadWriteCloser) error {
	processors.LeaveHalf()
	return noderole.Run(ctx, conn)
}

// labGCPercent makes the lab's nodes need three quarters of the memory (measured: 430 instead of 600 MB after
// 2,000 connections and 2 GB) and costs no throughput that can be seen. GOGC overrides it.
const labGCPercent = 50

func runLab(ctx context.Context, conn io.ReadWriteCloser) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(labGCPercent)
	}
	return labrole.Run(ctx, conn)
}

// openChannel takes the descriptor over. It must be non-blocking for Close to end a Read.
func openChannel(fd int) (io.ReadWriteCloser, error) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return nil, usageError{"which is not open"}
	}
	if kind := stat.Mode & syscall.S_IFMT; kind != syscall.S_IFSOCK {
		return nil, usageError{"which is not a socket"}
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("opening the channel: %w", err)
	}
	return os.NewFile(uintptr(fd), "channel"), nil
}
