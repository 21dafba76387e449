package noderole

import (
	"context"
	"sync"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
	"github.com/tailproxy/tailproxy/sidecar/internal/socks"
)

// clients are those that negotiate.
type clients struct {
	mu   sync.Mutex
	last message.ID
	byID map[message.ID]*socks.Client
}

func (c *clients) add(client *socks.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = map[message.ID]*socks.Client{}
	}
	c.last++
	client.ID = c.last
	c.byID[client.ID] = client
}

func (c *clients) remove(id message.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, id)
}

func (c *clients) get(id message.ID) (*socks.Client, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.byID[id]
	return client, ok
}

func (c *clients) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID)
}

func (r *role) accepted(client *socks.Client) {
	r.clients.add(client)
	r.tasks.Go(func() {
		defer r.clients.remove(client.ID)
		client.Run(r.ctx, r)
	})
}

// Bytes implements socks.Relay.
func (r *role) Bytes(c *socks.Client, bytes []byte, first bool) {
	event := message.Client{Client: c.ID, Bytes: bytes}
	if first {
		event.Source = c.Source().String()
	}
	r.notify(message.EventClient, event)
}

// Gone implements socks.Relay.
func (r *role) Gone(c *socks.Client, reason message.GoneReason) {
	r.notify(message.EventClientGone, message.ClientGone{Client: c.ID, Reason: reason})
}

func (r *role) clientWrite(params message.ClientWrite) {
	if client, ok := r.clients.get(params.Client); ok {
		client.Decide(socks.Decision{Write: &params.Bytes})
	}
}

func (r *role) clientClose(params message.ClientClose) {
	client, ok := r.clients.get(params.Client)
	if !ok || client.Decide(socks.Decision{Close: &params.Bytes}) {
		return
	}
	r.tasks.Go(func() { client.CloseEarly(params.Bytes) })
}

func (r *role) clientDial(_ context.Context, params message.ClientDial, answer func(message.ClientDialResult, error)) {
	client, ok := r.clients.get(params.Client)
	if !ok {
		answer(message.ClientDialResult{}, message.Errorf(message.Aborted, "client %d is gone", params.Client))
		return
	}
	d := &clientDial{role: r, params: params, answer: answer, deadline: time.Now().Add(params.DeadlineMs.Duration())}
	d.run, d.err = r.runs.get(params.Run)
	d.through = d.run.negotiates()
	if !client.Decide(socks.Decision{Dial: d.serve}) {
		d.through()
		answer(message.ClientDialResult{}, message.Errorf(message.Protocol,
			"no decision is due for client %d: each client event has one answer", params.Client))
	}
}
