package noderole

import (
	"context"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/board"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

const (
	// tailnetMTU is Tailscale's, in bytes.
	tailnetMTU = 1280
	// resolversAge is how old the board's resolvers may be.
	resolversAge = time.Second
)

// tailnet is what of a node the board says.
type tailnet interface {
	// Known reports whether there has been a netmap.
	Known() bool
	ExitNode() route.ExitNode
	Peers() *peers.Table
}

// routing has the board follow the netmap, the exit node and the host's resolvers.
type routing struct {
	board *board.Board
	conf  *resolve.ResolvConf
	// tailnet returns nil before the node is started.
	tailnet func() tailnet
	writing sync.Mutex
	written board.Routing
	changed chan struct{}
}

// newRouting writes the present routing.
func newRouting(on *board.Board, conf *resolve.ResolvConf, tailnet func() tailnet) *routing {
	r := &routing{board: on, conf: conf, tailnet: tailnet, changed: make(chan struct{}, 1)}
	r.write()
	return r
}

func (r *routing) write() {
	r.writing.Lock()
	defer r.writing.Unlock()
	// Until the tailnet is known everything may be its: programs that outlived another sidecar ask early.
	now := board.Routing{Everything: true, Resolvers: r.conf.Resolvers(), MTU: tailnetMTU}
	if t := r.tailnet(); t != nil && t.Known() {
		now.Everything = t.ExitNode().Set
		now.Routes = t.Peers().Routes()
	}
	if !now.Equal(r.written) {
		r.board.SetRouting(now)
		r.written = now
	}
}

// look says that something may have changed. It does not wait.
func (r *routing) look() {
	select {
	case r.changed <- struct{}{}:
	default: // it will be looked at anyway
	}
}

// follow writes what changes until ctx ends.
func (r *routing) follow(ctx context.Context) {
	ticker := time.NewTicker(resolversAge)
	defer ticker.Stop()
	for {
		r.write()
		select {
		case <-r.changed:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (r *role) tailnet() tailnet {
	if n := r.node.Load(); n != nil {
		return n
	}
	return nil
}

// routingChanged has the board follow the node.
func (r *role) routingChanged() {
	if d := r.dials.Load(); d != nil {
		d.routing.look()
	}
}
