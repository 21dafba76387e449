package peers

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tailscale.com/tailcfg"
)

func addr(text string) netip.Addr     { return netip.MustParseAddr(text) }
func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func TestFromNode(t *testing.T) {
	off := false
	p := FromNode(&tailcfg.Node{
		ID: 7, StableID: "n7", Name: "Web.Tail.ts.net.", User: 1, Online: &off,
		Addresses:  []netip.Prefix{prefix("100.64.0.1/32"), prefix("fd7a:115c:a1e0::1/128")},
		AllowedIPs: []netip.Prefix{prefix("100.64.0.1/32"), prefix("fd7a:115c:a1e0::1/128"), prefix("192.0.2.0/24"), prefix("0.0.0.0/0"), prefix("::/0")},
	}, map[tailcfg.UserID]string{1: "alice@example.com"})
	if p.Name != "web.tail.ts.net" || p.Online || p.User != "alice@example.com" || !p.ExitNodeOption {
		t.Errorf("got %+v", p)
	}
	if len(p.Addresses) != 2 || len(p.Routes) != 1 || p.Routes[0] != prefix("192.0.2.0/24") {
		t.Errorf("addresses %v, routes %v", p.Addresses, p.Routes)
	}
	if p.ExitNodeOffered || p.Country != "" {
		t.Errorf("without its host's word it is %+v", p)
	}
	offering := FromNode(&tailcfg.Node{Hostinfo: (&tailcfg.Hostinfo{
		RoutableIPs: []netip.Prefix{prefix("0.0.0.0/0"), prefix("::/0")},
		Location:    &tailcfg.Location{Country: "Germany", City: "Berlin"},
	}).View()}, nil)
	if offering.ExitNodeOption || !offering.ExitNodeOffered || offering.Country != "Germany" || offering.City != "Berlin" {
		t.Errorf("got %+v", offering)
	}
	half := FromNode(&tailcfg.Node{Tags: []string{"tag:x"}, User: 1, AllowedIPs: []netip.Prefix{prefix("0.0.0.0/0")}}, nil)
	if half.ExitNodeOption || !half.Online || half.User != "" {
		t.Errorf("got %+v", half)
	}
}

func TestTheTableFollowsChanges(t *testing.T) {
	var table Table
	web := &Peer{ID: 1, StableID: "a", Name: "web.x", Addresses: []netip.Addr{addr("100.64.0.1")}}
	router := &Peer{ID: 2, StableID: "b", Name: "router.x", Online: true, Routes: []netip.Prefix{prefix("192.0.2.0/24")}}
	table.Replace([]*Peer{web, router})
	if got, ok := table.ByAddress(addr("100.64.0.1")); !ok || got != web {
		t.Errorf("by address: %v", got)
	}
	if got, ok := table.ByName("WEB.X."); !ok || got != web {
		t.Errorf("by name: %v", got)
	}
	if got, ok := table.ByID("b"); !ok || got != router {
		t.Errorf("by id: %v", got)
	}
	if got, ok := table.BySubnet(addr("192.0.2.7")); !ok || got != router {
		t.Errorf("by subnet: %v", got)
	}

	moved := &Peer{ID: 1, StableID: "a", Name: "web2.x", Addresses: []netip.Addr{addr("100.64.0.3")}}
	closer := &Peer{ID: 3, StableID: "c", Name: "closer.x", Routes: []netip.Prefix{prefix("192.0.2.0/28")}}
	table.Update([]*Peer{moved, closer}, []tailcfg.NodeID{2})
	if _, ok := table.ByAddress(addr("100.64.0.1")); ok {
		t.Error("the old address is still there")
	}
	if _, ok := table.ByName("web.x"); ok {
		t.Error("the old name is still there")
	}
	if got, ok := table.BySubnet(addr("192.0.2.7")); !ok || got != closer {
		t.Errorf("by subnet: %v", got)
	}
	if _, ok := table.BySubnet(addr("192.0.2.200")); ok {
		t.Error("the removed route is still there")
	}
	if table.Len() != 2 || len(table.All()) != 2 || table.All()[0] != closer {
		t.Errorf("all: %v", table.All())
	}
}

func TestPrefersTheLongerPrefixAndTheNodeThatIsOnline(t *testing.T) {
	var table Table
	wide := &Peer{ID: 1, Online: true, Routes: []netip.Prefix{prefix("192.0.0.0/16")}}
	off := &Peer{ID: 2, Routes: []netip.Prefix{prefix("192.0.2.0/24")}}
	on := &Peer{ID: 3, Online: true, Routes: []netip.Prefix{prefix("192.0.2.0/24")}}
	table.Replace([]*Peer{wide, off, on})
	if got, _ := table.BySubnet(addr("192.0.2.1")); got != on {
		t.Errorf("got %+v", got)
	}
	if got, _ := table.BySubnet(addr("192.0.3.1")); got != wide {
		t.Errorf("got %+v", got)
	}
}

func TestOfSeveralNodesWithANameTheNewestOnlineIsMeant(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	old := &Peer{ID: 1, Name: "web.x", Online: true, Created: day(1)}
	newer := &Peer{ID: 2, Name: "web.x", Online: true, Created: day(2)}
	newest := &Peer{ID: 3, Name: "web.x", Created: day(3)}
	var table Table
	table.Replace([]*Peer{newer, newest, old})
	if got, _ := table.ByName("web.x"); got != newer {
		t.Errorf("got %+v", got)
	}
	table.Update(nil, []tailcfg.NodeID{1, 2})
	if got, _ := table.ByName("web.x"); got != newest {
		t.Errorf("got %+v", got)
	}
}

func TestRoutesAreToldOnce(t *testing.T) {
	var table Table
	shared, own := prefix("192.0.2.0/24"), prefix("192.0.2.128/25")
	table.Replace([]*Peer{
		{ID: 1, Routes: []netip.Prefix{shared}},
		{ID: 2, Routes: []netip.Prefix{shared, own}},
		{ID: 3},
	})
	if got := table.Routes(); !slices.Equal(got, []netip.Prefix{own, shared}) {
		t.Errorf("got %v", got)
	}
	table.Update(nil, []tailcfg.NodeID{2})
	if got := table.Routes(); !slices.Equal(got, []netip.Prefix{shared}) {
		t.Errorf("after one has gone: %v", got)
	}
}
