package node

import (
	"strings"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const loginErrorMark = "The last login error was: "

// loginError returns the control server's refusal that a health warning tells of, or nil. With an auth key a refusal is
// final; without one the user may still log in, but to the tags that nobody lets him have.
func (n *Node) loginError(text string) error {
	_, reason, found := strings.Cut(text, loginErrorMark)
	if !found || !isRefusal(reason) || !n.byKey.Load() && !hasAny(reason, "requested tags") {
		return nil
	}
	return n.refusal(reason)
}

// isRefusal tells an answer of the control server from not having reached it, which is tried again.
func isRefusal(reason string) bool {
	return hasAny(reason, "register request: http 4", "invalid key", "invalid authkey", "not valid", "not found", "requested tags") &&
		!isPause(reason)
}

// isPause is a server that wants to be asked later; the client does so.
func isPause(reason string) bool { return hasAny(reason, "rate limit", "http 429") }

// refusal says what a control server has against this node. Their words differ: Tailscale's are "invalid key: …" and
// "requested tags [tag:a] are invalid or not permitted", headscale's "register request: http 401: authkey expired".
func (n *Node) refusal(reason string) error {
	reason = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(reason), "register request: "))
	lower := strings.ToLower(reason)
	withKey := n.byKey.Load()
	switch {
	case hasAny(lower, "requires logging to be enabled"):
		return message.Errorf(message.Denied, "this tailnet requires Tailscale's log upload; start with --tailscale-logs")
	case hasAny(lower, "tag") && hasAny(lower, "permitted", "invalid or not", "not allowed"):
		return message.Errorf(message.Denied, "the control server does not let this node have its tags: %s", reason)
	case withKey && hasAny(lower, "expired"):
		return message.Errorf(message.Denied, "the auth key has expired, make another (the control server says: %s)", reason)
	case withKey && hasAny(lower, "already used", "already been used", "used already", "has been used", "single-use"):
		return message.Errorf(message.Denied, "the auth key has been used and is good for one node only, make another or a reusable one (the control server says: %s)", reason)
	case withKey:
		return message.Errorf(message.Denied, "the control server refused the auth key: %s", reason)
	}
	return message.Errorf(message.Denied, "the control server refused the node: %s", reason)
}

func hasAny(text string, marks ...string) bool {
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}
