package lab

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

// registerBytes is the longest register request, in bytes.
const registerBytes = 1 << 20

// registrar decides who may join. Tailscale's test server decides it too, but refuses a node that it knows when that comes
// without its auth key, lets peers have keys that nobody has logged in yet, and hears of no logout.
type registrar struct {
	server  *testcontrol.Server
	options Options
	baseURL string
	// ownKey lets the lab's own nodes in.
	ownKey string

	mu sync.Mutex
	// admitted are the keys that have been logged in.
	admitted map[key.NodePublic]bool
	expired  map[key.NodePublic]bool
	// visits are awaited, by the paths of their URLs.
	visits map[string]*visit
	// lastID is the highest that a node has had. The test server counts the nodes that there are.
	lastID   tailcfg.NodeID
	numbered map[key.NodePublic]bool
}

type visit struct {
	node key.NodePublic
	done chan struct{}
	// made is that done is closed.
	made bool
}

var errNoMux = errors.New("this build's test server is another than the lab was made for")

// install takes the register requests of a server, which come over its encrypted connections.
func (r *registrar) install() error {
	// It makes its routes at the first request.
	r.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/generate_204", nil))
	routes, ok := fieldOf[*http.ServeMux](r.server, "mux")
	if !ok || *routes == nil {
		return errNoMux
	}
	next := *routes
	*routes = http.NewServeMux()
	(*routes).Handle("/", next)
	(*routes).HandleFunc("POST /machine/register", func(w http.ResponseWriter, request *http.Request) {
		r.serve(w, request, next)
	})
	return nil
}

func (r *registrar) serve(w http.ResponseWriter, request *http.Request, next http.Handler) {
	body, err := io.ReadAll(io.LimitReader(request.Body, registerBytes))
	var asked tailcfg.RegisterRequest
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil {
		http.Error(w, "bad register request", http.StatusBadRequest)
		return
	}
	answer := r.decide(request, &asked)
	if answer != nil {
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	asked.Followup, asked.Auth = "", nil
	if body, err = json.Marshal(asked); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	next.ServeHTTP(w, request)
	r.settle(asked.NodeKey, asked.OldNodeKey)
}

// decide returns the answer to a node that may not join, or not yet; nil for one that may. It waits for a visit.
func (r *registrar) decide(request *http.Request, asked *tailcfg.RegisterRequest) *tailcfg.RegisterResponse {
	if !asked.Expiry.IsZero() && asked.Expiry.Before(time.Now()) {
		r.logOut(asked.NodeKey)
		return &tailcfg.RegisterResponse{}
	}
	r.mu.Lock()
	admitted, expired := r.admitted[asked.NodeKey], r.expired[asked.NodeKey]
	r.mu.Unlock()
	given := asked.Auth != nil && asked.Auth.AuthKey != ""
	switch {
	case expired:
		return &tailcfg.RegisterResponse{NodeKeyExpired: true}
	case admitted, !r.options.RequireAuth && r.options.AuthKey == "":
	case given && asked.Auth.AuthKey == r.ownKey:
	case r.options.AuthKey != "" && given && asked.Auth.AuthKey == r.options.AuthKey:
	case r.options.AuthKey != "" && (given || !r.options.RequireAuth):
		return &tailcfg.RegisterResponse{Error: "invalid authkey"}
	case asked.Followup == "":
		return &tailcfg.RegisterResponse{AuthURL: r.baseURL + r.expect(asked.NodeKey)}
	default:
		if !r.await(request, asked) {
			return &tailcfg.RegisterResponse{Error: "this login URL is not good any more"}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.admitted[asked.NodeKey] = true
	return nil
}

// expect makes the path of a login URL.
func (r *registrar) expect(node key.NodePublic) string {
	path := "/auth/" + rand.Text()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.visits[path] = &visit{node: node, done: make(chan struct{})}
	return path
}

// visit reports whether a node waited for a visit of url, which may be a path.
func (r *registrar) visit(text string) bool {
	parsed, err := url.Parse(text)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	expected, ok := r.visits[parsed.Path]
	if !ok || expected.made {
		return false
	}
	expected.made = true
	close(expected.done)
	return true
}

func (r *registrar) await(request *http.Request, asked *tailcfg.RegisterRequest) bool {
	parsed, err := url.Parse(asked.Followup)
	if err != nil {
		return false
	}
	r.mu.Lock()
	expected, ok := r.visits[parsed.Path]
	r.mu.Unlock()
	if !ok || expected.node != asked.NodeKey {
		return false
	}
	select {
	case <-expected.done:
	case <-request.Context().Done():
		return false // nobody reads the answer
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.visits, parsed.Path)
	return true
}

// settle is for a node that has joined: its former key is good for nothing any more. The test server gives the new one the
// former's expiry.
func (r *registrar) settle(node, former key.NodePublic) {
	joined := r.server.Node(node)
	if joined == nil {
		return
	}
	old := r.server.Node(former)
	renewed := old != nil && former != node && old.StableID == joined.StableID
	if renewed {
		deleteNode(r.server, former)
	}
	before := joined.Clone()
	joined.KeyExpiry = time.Time{}
	r.number(joined, renewed)
	if !joined.Equal(before) {
		r.server.UpdateNode(joined)
	}
}

// number gives a node that has just come another id than nodes have that have left. Its addresses follow from it.
func (r *registrar) number(node *tailcfg.Node, renewed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := renewed || r.numbered[node.Key]
	r.numbered[node.Key] = true
	if known {
		return
	}
	if node.ID <= r.lastID {
		node.ID = r.lastID + 1
		node.StableID = tailcfg.StableNodeID(fmt.Sprintf("TESTCTRL%08x", int(node.ID)))
		v4 := netip.AddrFrom4([4]byte{100, 64, byte(node.ID >> 8), byte(node.ID)})
		node.Addresses = []netip.Prefix{netip.PrefixFrom(v4, 32), netip.PrefixFrom(tsaddr.Tailscale4To6(v4), 128)}
		node.AllowedIPs = node.Addresses
	}
	r.lastID = node.ID
}

func (r *registrar) logOut(node key.NodePublic) {
	r.mu.Lock()
	delete(r.admitted, node)
	r.mu.Unlock()
	deleteNode(r.server, node)
	// For its peers to hear of it.
	if left := r.server.AllNodes(); len(left) > 0 {
		r.server.UpdateNode(left[0])
	}
}

func (r *registrar) expire(node *tailcfg.Node, expired bool) {
	node.KeyExpiry = time.Time{}
	if expired {
		node.KeyExpiry = time.Now().Add(-time.Minute)
	}
	r.mu.Lock()
	r.expired[node.Key] = expired
	r.mu.Unlock()
	r.server.UpdateNode(node)
}
