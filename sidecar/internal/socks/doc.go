// Package socks accepts SOCKS5 clients and relays their handshakes. It knows no SOCKS: what a client sends goes to a
// [Relay], which answers with bytes to write, a dial or the end. See docs/sidecar-channel.md.
package socks
