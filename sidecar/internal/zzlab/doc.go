// Package lab is a whole private tailnet on loopback: control server, DERP, STUN and nodes, in this
// process, without root, an account or a network.
//
// Two nodes are there from the start. "hello" serves HTTP on 80, echo on 7, discard on 9, chargen on
// 19 and UDP echo on 7. "exit" is an exit node that serves the same for every TEST-NET destination
// (198.51.100.0/24, 2001:db8::/32) and refuses everything else, so nothing ever leaves by it.
//
// [Start] changes the environment of the process ([ApplyEnvironment]); other programs whose nodes
// join the lab need the same.
package zzlab
