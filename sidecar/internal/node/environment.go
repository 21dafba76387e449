package node

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"tailscale.com/envknob"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

const (
	// labProbeLimit is how long a control server on loopback may take to say whether it is a lab.
	labProbeLimit = time.Second
	labProbeBytes = 1 << 10
)

// isLab reports whether controlURL is a lab's control server. Only one on loopback is asked.
func isLab(ctx context.Context, controlURL string) bool {
	parsed, err := url.Parse(controlURL)
	if err != nil || parsed.Scheme != "http" || !isLoopback(parsed.Hostname()) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, labProbeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, parsed.JoinPath(lab.MarkerPath).String(), nil)
	if err != nil {
		return false
	}
	response, err := directClient().Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, labProbeBytes))
	if err != nil || response.StatusCode != http.StatusOK {
		return false
	}
	var answer struct {
		TailproxyLab int `json:"tailproxyLab"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.TailproxyLab == 1
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// prepareEnvironment sets what Tailscale reads from the environment. It is the process's, so it is set before
// the node starts and only once.
func prepareEnvironment(options Options, inLab bool) {
	// What start says is all there is: no key or server from the environment of whoever started us.
	for _, name := range []string{"TS_AUTHKEY", "TS_AUTH_KEY", "TS_CLIENT_SECRET", "TS_CONTROL_URL"} {
		os.Unsetenv(name)
	}
	if !options.TailscaleLogs {
		envknob.SetNoLogsNoSupport()
	}
	lab.DetachFromHost()
	if inLab {
		lab.ApplyEnvironment()
	}
}
