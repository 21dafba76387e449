package resolve

import (
	"context"
	"io"
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
)

// Upstream is the host's resolvers: what resolv.conf names, asked as the C libraries ask.
type Upstream struct {
	Conf *ResolvConf
	// Port is 53 unless set.
	Port uint16
	// Network dials them.
	Network *hostdial.Dialer
}

// NewUpstream returns the resolvers of the resolv.conf at path.
func NewUpstream(path string) *Upstream {
	return &Upstream{Conf: NewResolvConf(path), Network: new(hostdial.Dialer)}
}

// Exchange asks one resolver after the other. The query goes out as it is, but with another id, so DNSSEC bits, options
// and unknown types pass. The answer has that other id.
func (u *Upstream) Exchange(ctx context.Context, query []byte) ([]byte, error) {
	settings, _ := u.Conf.get()
	port := u.Port
	if port == 0 {
		port = 53
	}
	s := servers{dial: u.dial, timeout: settings.timeout, attempts: settings.attempts}
	for _, addr := range settings.servers[:min(len(settings.servers), maxAsked)] {
		s.addresses = append(s.addresses, netip.AddrPortFrom(addr, port))
	}
	return s.exchange(ctx, query)
}

func (u *Upstream) dial(ctx context.Context, network string, server netip.AddrPort) (io.ReadWriteCloser, error) {
	return u.Network.Dial(ctx, network, server)
}
