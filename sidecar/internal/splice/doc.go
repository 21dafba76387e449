// Package splice joins two TCP connections until both are done: a program's on loopback and the one it asked for.
//
// What happens on one side happens on the other: bytes, the end of one direction (FIN, the other stays open)
// and a reset (RST), so that a program never takes a stream that was cut for one that ended.
package splice
