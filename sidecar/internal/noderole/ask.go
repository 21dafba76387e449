package noderole

import (
	"context"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/dial"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// askLimit is how long Node has to answer an ask. No answer denies.
const askLimit = 2 * time.Second

// ask has Node decide about a destination. Who asks comes in ask; what is asked for is filled in here.
func (r *role) ask(ctx context.Context, question dial.Question, ask message.Ask) error {
	ask.Direction = message.DirectionOutbound
	ask.Destination = question.Destination.String()
	ask.Name = question.Name
	ask.Peer = peerName(question.Peer)
	return r.decide(ctx, ask)
}

// decide returns why Node denies what it is asked about.
func (r *role) decide(ctx context.Context, ask message.Ask) error {
	ctx, cancel := context.WithTimeoutCause(ctx, askLimit, message.Errorf(message.Denied,
		"nobody decided within %v whether %s may reach %s", askLimit, ask.Source, ask.Destination))
	defer cancel()
	verdict, err := channel.Call[message.AskResult](ctx, r.conn, message.MethodAsk, ask)
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case err != nil:
		return message.Errorf(message.Denied, "it could not be decided whether %s may reach %s: %w", ask.Source, ask.Destination, err)
	case !verdict.Allow && verdict.Reason == "":
		return message.Errorf(message.Denied, "%s is denied to %s", ask.Destination, ask.Source)
	case !verdict.Allow:
		return message.Errorf(message.Denied, "%s", verdict.Reason)
	}
	return nil
}
