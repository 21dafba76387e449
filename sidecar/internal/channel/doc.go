// Package channel is one end of the sidecar channel: a bidirectional RPC of JSON objects, one a
// line (docs/sidecar-channel.md).
//
// Order. One goroutine reads, in [Conn.Serve]. It decodes each message and
//
//   - runs the handlers of [HandleEvent] and [HandleInOrder] itself, so that they see messages in
//     the order they were sent. They must not wait for anything but the channel's own writes;
//   - starts a goroutine for each request of [HandleRequest], which may take its time. Two of them
//     have no order between them.
//
// Writes leave in the order of the calls to [Conn.Notify], [Call] and of the answers. A lone
// caller writes in its own goroutine; what others add meanwhile goes out together, from a goroutine
// of its own. So a lone message costs no switch of goroutines and many at once cost few system calls.
//
// The end. A session ends once, for one reason: [Conn.Serve] returns it and every pending and later
// [Call] and [Conn.Notify] fails with it.
package channel
