package message

// MethodRelease names the request that waits for the end of a run.
const MethodRelease = "release"

// Release asks to be answered when nothing of a run is left. An unknown run is answered at once.
type Release struct {
	Run string `json:"run"`
}

func (r Release) check() error { return length("run", r.Run, 1, maxRun) }

// RunStatus is what is left of a run. Processes counts those that hold a channel of the dial socket, and a family that holds
// but a bootstrap as one; Negotiating the SOCKS clients whose dial is under way; the bytes are those of all its flows.
type RunStatus struct {
	Run         string `json:"run"`
	Processes   uint64 `json:"processes"`
	Flows       uint64 `json:"flows"`
	Negotiating uint64 `json:"negotiating"`
	BytesUp     uint64 `json:"bytesUp"`
	BytesDown   uint64 `json:"bytesDown"`
}

func (r RunStatus) check() error { return length("run", r.Run, 1, maxRun) }

// runSpecs are the messages about runs beyond register and unregister.
func runSpecs() []Spec {
	return []Spec{request[Release, Empty](FromNode, MethodRelease)}
}
