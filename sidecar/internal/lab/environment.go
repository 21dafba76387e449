package lab

import (
	"os"
	"strings"

	"tailscale.com/envknob"
	"tailscale.com/net/netns"
)

// Environment returns the settings, as KEY=value, that keep a node on loopback: no log upload, no port
// mapping, no look at other networks, and a panic should it turn to the public control server.
func Environment() []string {
	return []string{
		"TS_NO_LOGS_NO_SUPPORT=true",
		"TS_DISABLE_PORTMAPPER=1",
		"IN_TS_TEST=1",
		"TS_ASSUME_NETWORK_UP_FOR_TEST=1",
		"TS_PANIC_IF_HIT_MAIN_CONTROL=1",
	}
}

// proxyVariables lead a control client to a proxy, loopback or not; the lab has none.
func proxyVariables() []string {
	return []string{
		"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy",
		"TS_AUTHKEY", "TS_AUTH_KEY", "TS_CONTROL_URL", "TS_CLIENT_SECRET", "TS_CLIENT_ID",
	}
}

// DetachFromHost leaves the sockets that tailscale opens to the host's own routing. By default it marks them (as root) or
// binds them to the device of the default route (as anybody else), so that they pass by the routes of a TUN. Our
// stack has no routes on the host to pass by, and a socket that is bound to a device reaches no loopback: without STUN
// and direct paths a node takes 3 s to start, and all its traffic goes by a relay.
func DetachFromHost() { netns.SetEnabled(false) }

// relayOnly keeps the nodes of this process from looking for direct paths.
func relayOnly() { envknob.Setenv("TS_DEBUG_NEVER_DIRECT_UDP", "true") }

// ApplyEnvironment makes this process a lab process. Call it before the first node of the process
// starts: tailscale reads some of the settings once. Calling it again changes nothing.
func ApplyEnvironment() {
	DetachFromHost()
	for _, setting := range Environment() {
		name, value, _ := strings.Cut(setting, "=")
		// Setenv reaches what tailscale's init functions have read already. It races with running
		// nodes, so what is right is left alone.
		if os.Getenv(name) != value {
			envknob.Setenv(name, value)
		}
	}
	for _, name := range proxyVariables() {
		if _, ok := os.LookupEnv(name); ok {
			os.Unsetenv(name)
		}
	}
}
