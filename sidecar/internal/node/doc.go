// Package node is this node of the tailnet: a tsnet.Server on TailProxy's own stack, from its start over
// login and approval to its end, and what it knows of the tailnet meanwhile.
package node
