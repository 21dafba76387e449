// Package dialsocket serves the socket on which wrapped programs ask for dials, names and UDP flows:
// docs/preload-protocol.md. It has the mechanics of descriptors and messages; what a dial is, its owner says.
package dialsocket
