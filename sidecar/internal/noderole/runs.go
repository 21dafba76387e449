package noderole

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// run is one wrapped command. A nil run is that of clients which belong to none.
type run struct {
	name string
	// token is a secret; it is what the command's processes show when they come by another way than SOCKS.
	token  string
	policy route.Policy
	ask    bool
	udp    message.UDPPolicy
	// control is the path of the control socket, if it has one.
	control string
	// ctx ends with the run.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// recent are the names its programs have looked up.
	recent recentNames

	mu    sync.Mutex
	ended bool
	flows map[*flow]struct{}
	use
}

func (r *run) errEnded() error {
	return message.Errorf(message.Aborted, "run %s has ended", r.name)
}

func (r *run) routing() route.Policy {
	if r == nil {
		return route.Policy{}
	}
	return r.policy
}

func (r *run) asks() bool { return r != nil && r.ask }

// add counts a flow to the run; it fails when the run has ended.
func (r *run) add(f *flow) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return r.errEnded()
	}
	r.flows[f] = struct{}{}
	return nil
}

func (r *run) remove(f *flow) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.flows[f]; !ok {
		return
	}
	delete(r.flows, f)
	r.up += f.counters.Up.Load()
	r.down += f.counters.Down.Load()
	r.lookLocked()
}

// onEnd has cancel called when the run ends before the returned function is called.
func (r *run) onEnd(cancel context.CancelCauseFunc) (forget func()) {
	if r == nil {
		return func() {}
	}
	stop := context.AfterFunc(r.ctx, func() { cancel(context.Cause(r.ctx)) })
	return func() { stop() }
}

func (r *run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.cancel(r.errEnded())
	for f := range r.flows {
		f.reset(r.errEnded())
	}
}

type runs struct {
	mu     sync.Mutex
	byName map[string]*run
}

// get returns the run with a name. One that is not registered is refused: what it may do is not known.
func (r *runs) get(name string) (*run, error) {
	if name == "" {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.byName[name]
	if !ok {
		return nil, message.Errorf(message.Denied, "run %.60q is not registered", name)
	}
	return found, nil
}

func (r *role) register(_ context.Context, params message.Register, answer func(message.Empty, error)) {
	answer(message.Empty{}, r.runs.register(r.ctx, params))
}

func (r *runs) register(ctx context.Context, params message.Register) error {
	added := &run{
		name:    params.Run,
		token:   params.Token,
		ask:     params.Policy.Ask,
		udp:     params.Policy.UDP,
		control: params.Control,
		flows:   map[*flow]struct{}{},
	}
	added.policy.OnlyTailnet = params.Policy.OnlyTailnet
	for _, text := range params.Policy.Bypass {
		prefix, err := parsePrefix(text)
		if err != nil {
			return message.Errorf(message.Protocol, "bypass: %q is neither an address nor a CIDR such as 10.0.0.0/8", text)
		}
		added.policy.Bypass = append(added.policy.Bypass, prefix)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName == nil {
		r.byName = map[string]*run{}
	}
	if _, ok := r.byName[params.Run]; ok {
		return message.Errorf(message.Busy, "run %.60q is registered already", params.Run)
	}
	added.ctx, added.cancel = context.WithCancelCause(ctx)
	r.byName[params.Run] = added
	return nil
}

// byToken returns the run with a token. It looks at all of them, so that the time it takes says nothing of any.
func (r *runs) byToken(token []byte) (found *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.byName {
		if subtle.ConstantTimeCompare([]byte(one.token), token) == 1 {
			found = one
		}
	}
	return found
}

func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return prefix.Masked(), nil
}

func (r *role) unregister(_ context.Context, params message.Unregister, answer func(message.Empty, error)) {
	r.runs.mu.Lock()
	ended := r.runs.byName[params.Run]
	delete(r.runs.byName, params.Run)
	r.runs.mu.Unlock()
	if ended == nil {
		answer(message.Empty{}, nil)
		return
	}
	// Resetting thousands of flows is no work for the goroutine that reads the channel.
	go func() {
		ended.end()
		// Whoever hears the answer may export the same ports again.
		r.exports.EndRun(ended.name)
		answer(message.Empty{}, nil)
	}()
}
