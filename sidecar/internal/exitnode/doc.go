// Package exitnode chooses the exit node of a node, proves that it carries traffic before anything is sent by it, watches
// it while it is used, and takes the next one when it fails. Nothing here ever makes a connection go directly: between two
// exit nodes there is none, and what was meant for one fails (docs/decisions/011-exit-nodes.md).
package exitnode
