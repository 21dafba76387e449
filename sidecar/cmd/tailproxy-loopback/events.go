package main

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// event is one line of what happens.
type event struct {
	Event       string       `json:"event"`
	Path        string       `json:"path,omitempty"`
	Tarpit4     string       `json:"tarpit4,omitempty"`
	Tarpit6     string       `json:"tarpit6,omitempty"`
	PID         int          `json:"pid,omitempty"`
	Destination string       `json:"destination,omitempty"`
	Code        message.Code `json:"code,omitempty"`
	Name        string       `json:"name,omitempty"`
	Type        string       `json:"type,omitempty"`
	Address     string       `json:"address,omitempty"`
}

type events struct {
	mu  sync.Mutex
	out io.Writer
}

// tell prints an event. Who does not read them learns nothing, which is no failure of a program's.
func (e *events) tell(what event) {
	line, err := json.Marshal(what)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.out.Write(append(line, '\n'))
}
