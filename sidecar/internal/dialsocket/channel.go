package dialsocket

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/deep"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// maxQuestions is how many questions of one process may wait for their answers.
const maxQuestions = 1_024

// channel is one process's.
type channel struct {
	server *Server
	// fd is file's; it is used only by serve, before anything can close it.
	fd        int
	file      *os.File
	ctx       context.Context
	cancel    context.CancelFunc
	stop      func() bool
	pid       int
	run       Run
	receiver  *receiver
	questions atomic.Int32
	// dials are those this process has asked for; they are guarded by the server's.
	dials map[*Dial]struct{}
}

func (c *channel) serve(welcome bool) {
	c.ctx, c.cancel = context.WithCancel(c.run.Context())
	c.stop = context.AfterFunc(c.ctx, func() { c.file.Close() })
	var err error
	if c.receiver, err = newReceiver(c.file); err == nil && welcome {
		err = c.welcome(c.receiver.raw)
	}
	if err != nil {
		c.end()
		return
	}
	c.read()
}

// read takes messages until the channel ends or a dial comes. The dial goes on in this goroutine, which runs already, and
// another reads on: a program waits for the one and not for the other.
func (c *channel) read() {
	deep.Stack()
	for {
		asked, descriptors, err := c.next()
		if err != nil {
			closeAll(descriptors)
			c.end()
			return
		}
		if asked, ok := asked.(dialMessage); ok {
			if d, ok := c.server.newDial(c, asked.destination, descriptors[0]); ok {
				c.server.tasks.Go(c.read)
				c.server.serve(d)
				return
			}
			continue
		}
		c.take(asked, descriptors)
	}
}

func (c *channel) next() (asked any, descriptors []int, err error) {
	datagram, descriptors, err := c.receiver.next()
	if err != nil {
		return nil, descriptors, err
	}
	asked, err = decode(datagram, len(descriptors))
	return asked, descriptors, err
}

// end is for when the process is done with its channel. What others have of its sockets goes on.
func (c *channel) end() {
	c.stop()
	c.cancel()
	c.server.forget(c.server.channels, c.file)
	c.server.dials.left(c)
	c.run.Closed(c.pid)
}

func (c *channel) welcome(raw syscall.RawConn) error {
	options := c.server.options
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = send(int(fd), c.run.Welcome().encode(), options.Board.Descriptor())
		if failed == nil {
			// It lies unread in the program's queue, so that the tarpits' addresses stay ours as long as any
			// program lives. A kernel that counts too many such descriptors does without (unix(7), ETOOMANYREFS).
			_ = send(int(fd), encodeHold(), options.Tarpit.Holders()...)
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// take does what a message asks for. The descriptors are its.
func (c *channel) take(asked any, descriptors []int) {
	switch asked := asked.(type) {
	case cancelMessage:
		c.server.dials.cancel(c, asked.cookie)
	case resolveMessage:
		c.answer(descriptors[0], Addresses{Status: Again}.encode(), func() []byte {
			return c.run.Resolve(c.ctx, asked.name, asked.want4, asked.want6).encode()
		})
	case reverseMessage:
		c.answer(descriptors[0], Names{Status: Again}.encode(), func() []byte {
			return c.run.Reverse(c.ctx, asked.address).encode()
		})
	case queryMessage:
		c.answer(descriptors[0], nil, func() []byte {
			if answer := c.run.Query(c.ctx, asked.query); answer != nil {
				return encodeAnswer(answer)
			}
			return nil
		})
	case flowMessage:
		c.flow(asked, descriptors[0], descriptors[1])
	case controlMessage:
		c.control(descriptors[0])
	}
}

// answer sends what question returns to reply; nil is the end without an answer. When too many wait already it sends busy
// and reports false.
func (c *channel) answer(reply int, busy []byte, question func() []byte) bool {
	return c.answerWith(reply, busy, func() ([]byte, []int) { return question(), nil })
}

// answerWith is answer for questions whose answers have descriptors, which it closes.
func (c *channel) answerWith(reply int, busy []byte, question func() ([]byte, []int)) bool {
	respond := func(answer []byte, descriptors []int) {
		if answer != nil {
			// Who has gone meanwhile needs none.
			_ = send(reply, answer, descriptors...)
		}
		closeAll(descriptors)
		unix.Close(reply)
	}
	if c.questions.Add(1) > maxQuestions {
		c.questions.Add(-1)
		respond(busy, nil)
		return false
	}
	c.server.tasks.Go(func() {
		defer c.questions.Add(-1)
		respond(question())
	})
	return true
}

// control answers with a connection to the run's control socket.
func (c *channel) control(reply int) {
	c.answerWith(reply, encodeControlled(message.Busy.Errno()), func() ([]byte, []int) {
		fd, err := c.run.Control(c.ctx)
		if err == nil {
			return encodeControlled(0), []int{fd}
		}
		errno, ok := errors.AsType[syscall.Errno](err)
		if !ok {
			errno = message.CodeOf(err).Errno()
		}
		return encodeControlled(errno), nil
	})
}

func (c *channel) flow(asked flowMessage, reply, socket int) {
	cookie, err := unix.GetsockoptUint64(socket, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil || !isUDP(socket) {
		closeAll([]int{reply, socket})
		return
	}
	flow := Flow{Destination: asked.destination, PID: c.pid, Cookie: cookie, Socket: socket}
	taken := c.answer(reply, encodeFlowed(message.Busy.Errno(), asked.destination), func() []byte {
		address, err := c.run.Flow(c.ctx, flow)
		if err != nil {
			return encodeFlowed(message.CodeOf(err).Errno(), address)
		}
		return encodeFlowed(0, address)
	})
	if !taken {
		unix.Close(socket)
	}
}
