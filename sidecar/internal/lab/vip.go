package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// HostService lets a node, of the lab or not, host a Tailscale Service at some addresses, and has others reach them through
// it. Nodes that are connected know it on return. The control server of the lab asks for no offer first.
func (l *Lab) HostService(ctx context.Context, host, service string, addresses ...netip.Addr) error {
	server := l.control.server
	for _, node := range server.AllNodes() {
		if strings.TrimSuffix(node.Name, ".") != host {
			continue
		}
		mapping, err := json.Marshal(tailcfg.ServiceIPMappings{tailcfg.ServiceName(service): addresses})
		if err != nil {
			return fmt.Errorf("hosting %s: %w", service, err)
		}
		capabilities := tailcfg.NodeCapMap{}
		maps.Copy(capabilities, node.CapMap)
		capabilities[tailcfg.NodeAttrServiceHost] = []tailcfg.RawMessage{tailcfg.RawMessage(mapping)}
		var routes []netip.Prefix
		for _, addr := range addresses {
			routes = append(routes, netip.PrefixFrom(addr, addr.BitLen()))
		}
		server.SetNodeCapMap(node.Key, capabilities)
		server.SetSubnetRoutes(node.Key, routes)
		l.control.spread(ctx, key.NodePublic{})
		return nil
	}
	return message.Errorf(message.NoSuchHost, "there is no node %s", host)
}
