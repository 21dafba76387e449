// Package labrole serves role "lab" of the sidecar channel.
package labrole

import (
	"context"
	"io"
	"net/netip"
	"sync"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/handshake"
	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// Run serves the channel on conn until either side closes it, stop is asked for, or ctx is done.
// Everything of the lab is gone when it returns.
func Run(ctx context.Context, conn io.ReadWriteCloser) error {
	c := channel.New(conn)
	r := &role{}
	defer r.close()
	handshake.Install(c, message.RoleLab, func(context.Context) error {
		r.close()
		return nil
	})
	channel.HandleRequest(c, message.MethodStartLab, r.start)
	channel.HandleRequest(c, message.MethodAddNode, r.addNode)
	channel.HandleRequest(c, message.MethodRemoveNode, r.removeNode)
	channel.HandleRequest(c, message.MethodSetExitNodeApproved, r.setExitNodeApproved)
	channel.HandleRequest(c, message.MethodAddForward, r.addForward)
	channel.HandleRequest(c, message.MethodAddRecord, r.addRecord)
	r.installLogin(c)
	return c.Serve(ctx)
}

type role struct {
	starts sync.WaitGroup

	mu       sync.Mutex
	starting bool
	closed   bool
	lab      *lab.Lab
}

func (r *role) start(ctx context.Context, params message.StartLab) (message.StartLabResult, error) {
	if err := r.claim(); err != nil {
		return message.StartLabResult{}, err
	}
	l, err := lab.Start(ctx, lab.Options{
		Delay:           params.DelayMs.Duration(),
		Relayed:         params.Relayed,
		AuthKey:         params.AuthKey,
		RequireAuth:     params.RequireAuth,
		RequireApproval: params.RequireApproval,
	})
	if err := r.settle(l, err); err != nil {
		return message.StartLabResult{}, err
	}
	result := message.StartLabResult{ControlURL: l.ControlURL(), Domain: lab.Domain}
	for _, n := range l.Nodes() {
		result.Nodes = append(result.Nodes, describe(n))
	}
	return result, nil
}

func (r *role) claim() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return message.Errorf(message.NotConnected, "the session is being stopped")
	}
	if r.starting || r.lab != nil {
		return message.Errorf(message.Busy, "the lab was started already")
	}
	r.starting = true
	r.starts.Add(1)
	return nil
}

func (r *role) settle(l *lab.Lab, err error) error {
	defer r.starts.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starting = false
	if err != nil {
		return err
	}
	if r.closed {
		l.Close()
		return message.Errorf(message.Aborted, "the lab was stopped while it started")
	}
	r.lab = l
	return nil
}

func (r *role) close() {
	r.mu.Lock()
	l := r.lab
	r.lab = nil
	r.closed = true
	r.mu.Unlock()
	if l != nil {
		l.Close()
	}
	r.starts.Wait()
}

func (r *role) running() (*lab.Lab, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lab == nil {
		return nil, message.Errorf(message.NotConnected, "the lab is not running; start it with %s", message.MethodStartLab)
	}
	return r.lab, nil
}

func (r *role) addNode(ctx context.Context, params message.AddNode) (message.LabNode, error) {
	l, err := r.running()
	if err != nil {
		return message.LabNode{}, err
	}
	var forwards []lab.Forward
	for _, f := range params.Forwards {
		forward, err := parseForward(f.Port, f.Target)
		if err != nil {
			return message.LabNode{}, err
		}
		forwards = append(forwards, forward)
	}
	if params.ExitNode != "" {
		n, err := l.AddExitNode(ctx, params.Name, params.ExitNode == message.ExitNodeApproved, forwards...)
		return describe(n), err
	}
	n, err := l.AddNode(ctx, params.Name, forwards...)
	return describe(n), err
}

func (r *role) setExitNodeApproved(ctx context.Context, params message.SetExitNodeApproved) (message.Empty, error) {
	l, err := r.running()
	if err != nil {
		return message.Empty{}, err
	}
	return message.Empty{}, l.SetExitNodeApproved(ctx, params.Name, params.Approved)
}

func (r *role) removeNode(ctx context.Context, params message.RemoveNode) (message.Empty, error) {
	l, err := r.running()
	if err != nil {
		return message.Empty{}, err
	}
	if params.Offline {
		return message.Empty{}, l.TakeOffline(ctx, params.Name)
	}
	return message.Empty{}, l.RemoveNode(params.Name)
}

func (r *role) addForward(_ context.Context, params message.AddForward) (message.Empty, error) {
	l, err := r.running()
	if err != nil {
		return message.Empty{}, err
	}
	forward, err := parseForward(params.Port, params.Target)
	if err != nil {
		return message.Empty{}, err
	}
	return message.Empty{}, l.AddForward(params.Node, forward)
}

func (r *role) addRecord(ctx context.Context, params message.AddRecord) (message.Empty, error) {
	l, err := r.running()
	if err != nil {
		return message.Empty{}, err
	}
	address, err := netip.ParseAddr(params.Address)
	if err != nil {
		return message.Empty{}, message.Wrap(message.Protocol, err)
	}
	return message.Empty{}, l.AddRecord(ctx, params.Name, address)
}

func parseForward(port message.Port, target string) (lab.Forward, error) {
	address, err := netip.ParseAddrPort(target)
	if err != nil {
		return lab.Forward{}, message.Wrap(message.Protocol, err)
	}
	return lab.Forward{Port: uint16(port), Target: address}, nil
}

func describe(n lab.Node) message.LabNode {
	described := message.LabNode{Name: n.Name}
	for _, address := range n.Addresses {
		described.Addresses = append(described.Addresses, address.String())
	}
	return described
}
