package message

import (
	"errors"
	"fmt"
	"time"
)

// ProtocolVersion is the version of the channel this package speaks.
const ProtocolVersion = 1

// Names of the messages of both roles.
const (
	MethodHello = "hello"
	MethodStop  = "stop"
	EventLog    = "log"
)

// Role is what the sidecar was started as.
type Role string

const (
	RoleNode Role = "node"
	RoleLab  Role = "lab"
)

func (r Role) check() error { return oneOf(r, RoleNode, RoleLab) }

// Level is the weight of a log line.
type Level string

const (
	LevelDebug Level = "debug"
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

func (l Level) check() error { return oneOf(l, LevelDebug, LevelInfo, LevelWarn, LevelError) }

// Empty is the params or result of a message that has none.
type Empty struct{}

// Hello is the first request of a session.
type Hello struct {
	Protocol Limit  `json:"protocol"`
	Driver   string `json:"driver"`
}

// HelloResult says who answered.
type HelloResult struct {
	Protocol  Version `json:"protocol"`
	Version   string  `json:"version"`
	Tailscale string  `json:"tailscale"`
	PID       Limit   `json:"pid"`
	Role      Role    `json:"role"`
}

// Version is ProtocolVersion and nothing else.
type Version uint32

func (v Version) check() error {
	if v != ProtocolVersion {
		return fmt.Errorf("must be %d", ProtocolVersion)
	}
	return nil
}

// Log is an event from the sidecar.
type Log struct {
	Level   Level  `json:"level"`
	Message string `json:"message"`
}

// ID names a client, a flow or a request. It is positive and never used twice in a session.
type ID uint64

func (i ID) check() error { return positive(uint64(i)) }

// Limit is a positive count.
type Limit uint32

func (l Limit) check() error { return positive(uint64(l)) }

func positive(n uint64) error {
	if n == 0 {
		return errors.New("must be positive")
	}
	return nil
}

const maxTimeout = 1<<31 - 1

// Timeout is a limit on time, in whole milliseconds, 0 to 2,147,483,647 (what setTimeout takes).
type Timeout uint32

func (t Timeout) check() error {
	if t > maxTimeout {
		return errors.New("must be 0 to 2147483647 milliseconds")
	}
	return nil
}

// Duration returns t as Go counts time.
func (t Timeout) Duration() time.Duration { return time.Duration(t) * time.Millisecond }

// Millis is a time that was measured, in whole milliseconds.
type Millis uint64

// MillisOf rounds d to whole milliseconds; less than none is none.
func MillisOf(d time.Duration) Millis {
	return Millis(max(0, d.Round(time.Millisecond).Milliseconds()))
}
