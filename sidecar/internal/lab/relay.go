package lab

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stun"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

const loopback = "127.0.0.1"

// Relay is a DERP and STUN server on loopback: the lab's, or that of another control server in a test.
type Relay struct {
	derp *derpserver.Server
	http *httptest.Server
	stun *net.UDPConn
	// late is what nodes connect to; nil when that is the server itself.
	late *lateListener
}

// StartRelay starts a relay on ports that are free.
func StartRelay() (*Relay, error) { return startRelay(0) }

func startRelay(delay time.Duration) (*Relay, error) {
	stunConn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(loopback)})
	if err != nil {
		return nil, fmt.Errorf("listening for STUN: %w", err)
	}
	go serveSTUN(stunConn)

	derp := derpserver.New(key.NewNode(), logger.Discard)
	server := httptest.NewUnstartedServer(derpserver.Handler(derp))
	server.Config.ErrorLog = logger.StdLogger(logger.Discard)
	// DERP takes the connection over, which HTTP/2 has no way to do.
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	server.StartTLS()
	r := &Relay{derp: derp, http: server, stun: stunConn}
	if delay > 0 {
		if r.late, err = listenLate(server.Listener.Addr(), delay); err != nil {
			r.Close()
			return nil, fmt.Errorf("listening for the relay: %w", err)
		}
	}
	return r, nil
}

// port is where nodes reach the relay.
func (r *Relay) port() int {
	listener := r.http.Listener
	if r.late != nil {
		listener = r.late.Listener
	}
	return listener.Addr().(*net.TCPAddr).Port
}

// Close ends the relay, and the connections it has.
func (r *Relay) Close() {
	if r.late != nil {
		r.late.Close()
	}
	r.derp.Close()
	r.http.CloseClientConnections()
	r.http.Close()
	r.stun.Close()
}

// DERPMap has the relay as its only region.
func (r *Relay) DERPMap() *tailcfg.DERPMap {
	const region = 1
	return &tailcfg.DERPMap{
		OmitDefaultRegions: true,
		Regions: map[int]*tailcfg.DERPRegion{
			region: {
				RegionID:   region,
				RegionCode: "lab",
				RegionName: "lab",
				Nodes: []*tailcfg.DERPNode{{
					Name:             "lab1",
					RegionID:         region,
					HostName:         loopback,
					IPv4:             loopback,
					IPv6:             "none",
					STUNPort:         r.stun.LocalAddr().(*net.UDPAddr).Port,
					DERPPort:         r.port(),
					InsecureForTests: true,
					STUNTestIP:       loopback,
				}},
			},
		},
	}
}

// serveSTUN tells every caller its address (RFC 8489). tailscale's stunserver does the same and
// writes to the standard log.
func serveSTUN(conn *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		id, err := stun.ParseBindingRequest(buf[:n])
		if err != nil {
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		_, _ = conn.WriteToUDPAddrPort(stun.Response(id, from), from)
	}
}
