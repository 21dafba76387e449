package node

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"tailscale.com/ipn"
	"tailscale.com/net/netcheck"
	"tailscale.com/net/netmon"
	"tailscale.com/net/portmapper/portmappertype"
	"tailscale.com/tailcfg"
	"tailscale.com/types/logger"
	"tailscale.com/util/eventbus"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const (
	// netcheckLimit is how long the whole look may take. Relays take five seconds at most.
	netcheckLimit = 15 * time.Second
	controlLimit  = 5 * time.Second
	derpMapBytes  = 4 << 20
)

// Netcheck looks at the host's network as Tailscale does: relays, NAT, and the control server with its clock. n is nil before
// the start, when controlURL says which server is meant.
func Netcheck(ctx context.Context, n *Node, controlURL string) (message.NetcheckResult, error) {
	ctx, cancel := context.WithTimeout(ctx, netcheckLimit)
	defer cancel()
	if n != nil && controlURL == "" {
		controlURL = n.options.ControlURL
	}
	controlURL = strings.TrimSuffix(cmp.Or(controlURL, ipn.DefaultControlURL), "/")
	if parsed, err := url.Parse(controlURL); err != nil || parsed.Host == "" {
		return message.NetcheckResult{}, message.Errorf(message.Protocol, "controlUrl: must be a URL such as https://control.example.com")
	}
	inLab := n != nil && n.InLab() || isLab(ctx, controlURL)
	result := message.NetcheckResult{NATType: message.NATUnknown, Relays: []message.Relay{}}
	client := &http.Client{Timeout: controlLimit}
	if inLab {
		client.Transport = directClient().Transport
	}
	askControl(ctx, client, controlURL, &result)
	var regions *tailcfg.DERPMap
	if n != nil {
		regions = n.derpMap(ctx)
	}
	var err error
	if regions == nil || len(regions.Regions) == 0 {
		regions, err = fetchRegions(ctx, client, controlURL)
	}
	if err == nil {
		err = lookAtRelays(ctx, regions, inLab, &result)
	}
	if err != nil {
		result.RelayError = err.Error()
	}
	return result, nil
}

// askControl times the control server and compares its clock.
func askControl(ctx context.Context, client *http.Client, controlURL string, result *message.NetcheckResult) {
	began := time.Now()
	date, err := dateOf(ctx, client, fmt.Sprintf("%s/key?v=%d", controlURL, tailcfg.CurrentCapabilityVersion))
	took := time.Since(began)
	if err != nil {
		result.ControlError = err.Error()
		// A clock that is far off makes every certificate one of another time. The time itself needs none.
		plain := strings.Replace(controlURL, "https:", "http:", 1)
		if plain == controlURL {
			return
		}
		began = time.Now()
		if date, err = dateOf(ctx, client, plain+"/generate_204"); err != nil {
			return
		}
		took = time.Since(began)
	} else {
		measured := message.MeasureOf(took)
		result.ControlMs = &measured
	}
	if !date.IsZero() {
		// The header has whole seconds, cut off: on the average half of one is missing.
		skew := began.Add(took / 2).Sub(date.Add(time.Second / 2))
		milliseconds := message.Skew(skew.Milliseconds())
		result.ClockSkewMs = &milliseconds
	}
}

func dateOf(ctx context.Context, client *http.Client, url string) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return time.Time{}, err
	}
	direct := *client
	// Where it leads is another server with another clock.
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := direct.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		return time.Time{}, fmt.Errorf("the control server answers with HTTP %d", response.StatusCode)
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil // it says no time, which is no failure
	}
	return date, nil
}

// fetchRegions asks for the relays of a node that is not logged in. Only Tailscale's own server and the lab's tell them.
func fetchRegions(ctx context.Context, client *http.Client, controlURL string) (*tailcfg.DERPMap, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, controlURL+"/derpmap/default", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for the relays: %w", err)
	}
	defer response.Body.Close()
	var regions tailcfg.DERPMap
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the control server tells its relays only to nodes that are logged in (HTTP %d)", response.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, derpMapBytes)).Decode(&regions); err != nil {
		return nil, fmt.Errorf("reading the relays: %w", err)
	}
	return &regions, nil
}

func lookAtRelays(ctx context.Context, regions *tailcfg.DERPMap, inLab bool, result *message.NetcheckResult) error {
	if inLab {
		lab.DetachFromHost()
	}
	bus := eventbus.New()
	defer bus.Close()
	monitor, err := netmon.New(bus, logger.Discard)
	if err != nil {
		return fmt.Errorf("looking at the network: %w", err)
	}
	defer monitor.Close()
	checker := &netcheck.Client{NetMon: monitor, Logf: logger.Discard, SkipExternalNetwork: inLab}
	if hook, ok := portmappertype.HookNewPortMapper.GetOk(); ok && !inLab {
		mapper := hook(logger.Discard, bus, monitor, nil, nil)
		defer mapper.Close()
		checker.PortMapper = mapper
	}
	// Without UDP the relays are measured by HTTPS.
	_ = checker.Standalone(ctx, "")
	report, err := checker.GetReport(ctx, regions, nil)
	if err != nil {
		return fmt.Errorf("looking at the relays: %w", err)
	}
	describeReport(report, regions, result)
	return nil
}

func describeReport(report *netcheck.Report, regions *tailcfg.DERPMap, result *message.NetcheckResult) {
	result.UDP, result.IPv4, result.IPv6 = report.UDP, report.IPv4, report.IPv6
	result.NATType = natOf(report)
	var mapping []string
	for _, way := range []struct {
		name string
		is   bool
	}{{"UPnP", report.UPnP.EqualBool(true)}, {"NAT-PMP", report.PMP.EqualBool(true)}, {"PCP", report.PCP.EqualBool(true)}} {
		if way.is {
			mapping = append(mapping, way.name)
		}
	}
	result.PortMapping = strings.Join(mapping, ", ")
	for id, latency := range report.RegionLatency {
		if region, ok := regions.Regions[id]; ok {
			result.Relays = append(result.Relays, message.Relay{
				Code: region.RegionCode, Name: region.RegionName, LatencyMs: message.MeasureOf(latency),
			})
		}
	}
	slices.SortFunc(result.Relays, func(a, b message.Relay) int {
		return cmp.Or(cmp.Compare(a.LatencyMs, b.LatencyMs), cmp.Compare(a.Code, b.Code))
	})
	if region, ok := regions.Regions[report.PreferredDERP]; ok {
		result.PreferredRelay = region.RegionCode
	}
}

// natOf is none when the address that others see is one of this host's.
func natOf(report *netcheck.Report) message.NATType {
	switch {
	case !report.UDP:
		return message.NATUnknown
	case report.GlobalV4.IsValid() && isOwn(report.GlobalV4.Addr()):
		return message.NATNone
	case report.MappingVariesByDestIP.EqualBool(true):
		return message.NATHard
	case report.MappingVariesByDestIP.EqualBool(false):
		return message.NATEasy
	}
	return message.NATUnknown
}

func isOwn(addr netip.Addr) bool {
	regular, loopback, err := netmon.LocalAddresses()
	return err == nil && (slices.Contains(regular, addr) || slices.Contains(loopback, addr))
}
