// Package datagram carries the UDP of wrapped programs. A flow is one program socket and one destination; the program
// sends to the flow's own socket on loopback, and what comes from the destination comes to it from there:
// docs/preload-protocol.md, "UDP".
//
// Nothing of a flow is the program's: it ends when the program's socket does, or when too many have come after it.
// Only its far side, an endpoint of the stack, is given back as soon as nothing was carried for a while.
//
// What comes from the tailnet to a port that is exported is carried by a Pair instead: nobody is asked for a flow there.
package datagram
