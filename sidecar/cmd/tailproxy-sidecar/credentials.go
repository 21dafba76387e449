package main

import (
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// credentials are those of whoever called connect(), as they were then: unix(7), SO_PEERCRED.
type credentials struct {
	// PID is 0 for a process that this one's pid namespace does not have.
	PID int32  `json:"pid"`
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
}

// writeCredentials says who is at the other end of the Unix socket on channelFD, for a parent that cannot ask
// the kernel itself. It reads nothing of what came over it.
func writeCredentials(stdout io.Writer) error {
	peer, err := unix.GetsockoptUcred(channelFD, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return usageError{fmt.Sprintf("where it expects a Unix socket to ask about: %v", err)}
	}
	if err := json.NewEncoder(stdout).Encode(credentials{PID: peer.Pid, UID: peer.Uid, GID: peer.Gid}); err != nil {
		return fmt.Errorf("saying whose connection it is: %w", err)
	}
	return nil
}
