// Package netstack is TailProxy's own TCP/IP stack (gVisor's) behind tsnet.
//
// [New] makes a stack; [Stack.Device] is the tun.Device to give to tsnet.Server.Tun. Packets of the
// stack then go to WireGuard and back, and nowhere else: what the tailnet cannot route fails, there is
// no host network to fall back to. tsnet keeps a stack of its own beside this one for its own services.
//
// Unlike tsnet's stack this one can be tuned: buffer sizes, batching and back-pressure are chosen so
// that WireGuard's queue, whose buffers are 64 KiB whatever a packet's size, stays short.
package netstack
