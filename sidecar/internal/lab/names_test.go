package lab_test

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func TestNames(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "client")
	if err := l.AddRecord(t.Context(), "extra", netip.MustParseAddr("100.64.0.1")); err != nil {
		t.Fatal(err)
	}
	if err := l.AddRecord(t.Context(), "www.example.com", netip.MustParseAddr("2001:db8::1")); err != nil {
		t.Fatal(err)
	}
	if got := c.lookup(t, "extra."+lab.Domain, "A"); got != "100.64.0.1" {
		t.Errorf("a label in the tailnet's domain: %s", got)
	}
	if got := c.lookup(t, "www.example.com", "AAAA"); got != "2001:db8::1" {
		t.Errorf("any name: %s", got)
	}
	for _, name := range []string{"nobody." + lab.Domain, "nobody.example.org"} {
		if got := c.lookup(t, name, "A"); got != dnsmessage.RCodeNameError.String() {
			t.Errorf("%s: %s, want no such name", name, got)
		}
	}
}

// lookup returns the first address, or the response code when there is none.
func (c client) lookup(t *testing.T, name, kind string) string {
	t.Helper()
	local, err := c.LocalClient()
	if err != nil {
		t.Fatal(err)
	}
	raw, _, err := local.QueryDNS(t.Context(), name, kind)
	if err != nil {
		t.Fatal(err)
	}
	var answer dnsmessage.Message
	if err := answer.Unpack(raw); err != nil {
		t.Fatal(err)
	}
	for _, record := range answer.Answers {
		switch body := record.Body.(type) {
		case *dnsmessage.AResource:
			return netip.AddrFrom4(body.A).String()
		case *dnsmessage.AAAAResource:
			return netip.AddrFrom16(body.AAAA).String()
		}
	}
	return answer.RCode.String()
}

func TestHostnames(t *testing.T) {
	l := startLab(t, lab.Options{})
	first := joinLab(t, l, "twin")
	second := joinLab(t, l, "twin")
	if got := second.name(t); got != "twin-1."+lab.Domain {
		t.Errorf("the second twin is %s while the first is there", got)
	}
	if got := first.name(t); got != "twin."+lab.Domain {
		t.Errorf("the first twin is %s", got)
	}
	first.Close()
	second.Close()
	third := joinLab(t, l, "twin")
	if got := third.name(t); got != "twin."+lab.Domain {
		t.Errorf("the third twin is %s when the others are gone", got)
	}
}

func (c client) name(t *testing.T) string {
	t.Helper()
	local, err := c.LocalClient()
	if err != nil {
		t.Fatal(err)
	}
	status, err := local.StatusWithoutPeers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(status.Self.DNSName, ".")
}
