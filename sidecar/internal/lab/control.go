package lab

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/dnstype"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// Domain is the MagicDNS domain of every lab.
const Domain = "tail-lab.ts.net"

// MarkerPath is where a control URL says that it is a lab's, with MarkerBody.
const (
	MarkerPath = "/tailproxy-lab"
	MarkerBody = `{"tailproxyLab":1}`
)

const (
	// helloWait is the longest a new node's first netmap is held back.
	helloWait = 2 * time.Second
	// spreadWait is the longest that news may take to reach the nodes. One that is stopped, or was
	// killed a moment ago, never answers.
	spreadWait = 500 * time.Millisecond
)

// control is the control server, with what tailscale's test server lacks: names that stay unique,
// and a first netmap that comes when the nodes of the lab know the newcomer.
type control struct {
	server    *testcontrol.Server
	endpoint  *controlEndpoint
	registrar *registrar

	// introduce waits until the lab's own nodes can talk to a newcomer; nil when nobody is to wait.
	introduce func(ctx context.Context, node *tailcfg.Node)

	mu       sync.Mutex
	online   map[key.NodePublic]bool // nodes that were said to be online
	polls    map[key.NodePublic]int
	welcomed map[key.NodePublic]bool
	changed  chan struct{} // closed and replaced after each map request
}

func startControl(relay *Relay, resolver *resolver, options Options, introduce func(context.Context, *tailcfg.Node)) (*control, error) {
	listener, err := net.Listen("tcp4", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, fmt.Errorf("listening for the control server: %w", err)
	}
	if options.Abrupt {
		introduce = nil
	}
	c := &control{
		endpoint:  newControlEndpoint(listener),
		introduce: introduce,
		online:    map[key.NodePublic]bool{},
		polls:     map[key.NodePublic]int{},
		welcomed:  map[key.NodePublic]bool{},
		changed:   make(chan struct{}),
	}
	c.server = &testcontrol.Server{
		Logf:            logger.Discard,
		DERPMap:         relay.DERPMap(),
		ExplicitBaseURL: c.url(),
		MagicDNSDomain:  Domain,
		DNSConfig: &tailcfg.DNSConfig{
			Proxied: true,
			Domains: []string{Domain},
			// Without UseWithExitNode a client of the exit node would have its names looked up by
			// the resolver of the host the exit node is on.
			Resolvers: []*dnstype.Resolver{{Addr: resolver.address(), UseWithExitNode: true}},
		},
		// An empty map lets nodes choose their tags; nil would drop them.
		TagOwners:              map[string][]string{},
		RequireMachineAuth:     options.RequireApproval,
		HoldMapRequest:         c.countPoll,
		ModifyFirstMapResponse: c.welcome,
	}
	c.registrar = &registrar{
		server: c.server, options: options, baseURL: c.url(), ownKey: rand.Text(),
		admitted: map[key.NodePublic]bool{}, expired: map[key.NodePublic]bool{}, visits: map[string]*visit{}, numbered: map[key.NodePublic]bool{},
	}
	if err := c.registrar.install(); err != nil {
		listener.Close()
		return nil, err
	}
	c.endpoint.handler = c.routes()
	c.endpoint.serve(listener)
	return c, nil
}

func (c *control) url() string { return "http://" + c.endpoint.address }

func (c *control) close() { c.endpoint.close() }

// routes lets through only what the test server knows: it ends the process on any other path.
func (c *control) routes() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/key", "/ts2021", "/generate_204"} {
		mux.Handle(path, c.server)
	}
	mux.HandleFunc("GET "+MarkerPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintln(w, MarkerBody)
	})
	// As Tailscale's own server tells nodes that are not logged in.
	mux.HandleFunc("GET /derpmap/default", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.server.DERPMap)
	})
	mux.HandleFunc("GET /auth/{id}", func(w http.ResponseWriter, r *http.Request) {
		if !c.registrar.visit(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintln(w, "You are logged in to the lab.")
	})
	return mux
}

// countPoll follows which nodes are connected. A streaming request is a node's connection.
func (c *control) countPoll(req *tailcfg.MapRequest) (done func()) {
	change := func(by int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		// Before the server has heard anything else of it; nobody else changes the node now.
		if !c.online[req.NodeKey] {
			c.online[req.NodeKey] = c.setOnline(req.NodeKey, true)
		}
		if req.Stream {
			c.polls[req.NodeKey] += by
		}
		close(c.changed)
		c.changed = make(chan struct{})
	}
	change(1)
	return func() { change(-1) }
}

// setOnline has the server say whether a node is there. Exit nodes have to be; a node that was killed is until somebody says
// otherwise, as a real server takes its time to find out.
func (c *control) setOnline(node key.NodePublic, online bool) (known bool) {
	n := c.server.Node(node)
	if n == nil {
		return false
	}
	n.Online = &online
	c.server.UpdateNode(n)
	return true
}

func (c *control) connected(node key.NodePublic) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.polls[node] > 0
}

// until waits for ready, looking again after each map request.
func (c *control) until(ctx context.Context, ready func() bool) bool {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if ready() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// welcome runs before a node is sent its first netmap. A node that is told of its peers before they
// have heard of it dials them in vain: they drop its WireGuard handshake, and the next one is sent
// five seconds later.
func (c *control) welcome(res *tailcfg.MapResponse, req *tailcfg.MapRequest) {
	if !req.Stream || res.Node == nil {
		return
	}
	if name, ok := c.uniqueName(req.NodeKey); ok {
		res.Node.Name = name
	}
	ctx, cancel := context.WithTimeout(context.Background(), helloWait)
	defer cancel()
	// Peers cannot use a node before its disco key is known; it comes with another request.
	c.until(ctx, func() bool {
		node := c.server.Node(req.NodeKey)
		return c.introduce == nil || node == nil || !node.DiscoKey.IsZero()
	})
	if node := c.server.Node(req.NodeKey); node != nil && c.introduce != nil {
		c.introduce(ctx, node)
		c.spread(ctx, req.NodeKey)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.welcomed[req.NodeKey] = true
}

// spread waits until the connected nodes, which may be of other processes, have what control knows
// now. The source of the news is left out.
func (c *control) spread(ctx context.Context, source key.NodePublic) {
	ctx, cancel := context.WithTimeout(ctx, spreadWait)
	defer cancel()
	var all sync.WaitGroup
	c.mu.Lock()
	for node := range c.welcomed {
		if c.polls[node] > 0 && node != source {
			all.Go(func() { c.barrier(ctx, node) })
		}
	}
	c.mu.Unlock()
	all.Wait()
}

// barrier waits for echoes from a node. The test server sends a netmap after each such request, so
// that a node which answers the second has the netmap between them; the third is time for it to
// pass the netmap on to WireGuard.
func (c *control) barrier(ctx context.Context, node key.NodePublic) {
	for range 3 {
		answered := make(chan struct{})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://node/echo", nil)
		if err != nil {
			return
		}
		if err := c.server.SendC2N(node, req, func(*http.Response) { close(answered) }); err != nil {
			return
		}
		select {
		case <-answered:
		case <-ctx.Done():
			return
		}
	}
}

// uniqueName settles who has a name: a node that is gone gives it up, a newcomer that meets a node
// which is still connected gets another, as at a real control server. It returns the newcomer's.
func (c *control) uniqueName(newcomer key.NodePublic) (name string, ok bool) {
	node := c.server.Node(newcomer)
	if node == nil {
		return "", false
	}
	nodes := c.server.AllNodes()
	taken := map[string]bool{}
	for _, n := range nodes {
		taken[n.Name] = true
	}
	for _, other := range nodes {
		if other.StableID == node.StableID || other.Name != node.Name {
			continue
		}
		renamed := other
		if c.connected(other.Key) {
			renamed = node
		}
		renamed.Name = freeName(renamed.Name, taken)
		taken[renamed.Name] = true
		c.server.UpdateNode(renamed)
	}
	return node.Name, true
}

func freeName(name string, taken map[string]bool) string {
	label, domain, _ := strings.Cut(name, ".")
	for n := 1; ; n++ {
		if free := fmt.Sprintf("%s-%d.%s", label, n, domain); !taken[free] {
			return free
		}
	}
}

// awaitReachable waits until control can tell others how to reach the node: its relay and its disco key.
func (c *control) awaitReachable(ctx context.Context, node key.NodePublic) error {
	if !c.until(ctx, func() bool {
		n := c.server.Node(node)
		return n != nil && !n.DiscoKey.IsZero() && n.HomeDERP != 0
	}) {
		return context.Cause(ctx)
	}
	return nil
}

// awaitNodes waits until count nodes have registered, which is before they make a map request.
func (c *control) awaitNodes(ctx context.Context, count int) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c.server.NumNodes() < count {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
