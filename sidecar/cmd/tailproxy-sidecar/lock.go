package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tailproxy/tailproxy/sidecar/internal/lockrole"
)

// lock is the role of that name; it returns the exit status: 1 when the file is locked and nobody waits for it.
func lock(args []string, stderr io.Writer) int {
	nonblock := slices.Equal(args, []string{"--nonblock"})
	if len(args) > 0 && !nonblock {
		fmt.Fprintln(stderr, "tailproxy-sidecar: lock takes nothing but --nonblock")
		return exitUsage
	}
	// As in any program, a signal ends the wait.
	err := lockrole.Lock(channelFD, !nonblock)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, lockrole.ErrBusy):
		return exitFailure
	}
	fmt.Fprintln(stderr, "tailproxy-sidecar:", err)
	return exitUsage
}
