package resolve_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/resolve"
)

// patience is how long a test waits for what must come, far more than it takes.
const patience = time.Minute

// member is a node of a lab, with a resolver whose host's resolver must not be asked.
func member(t *testing.T, l *lab.Lab) *resolve.DNS {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := node.New(node.Options{Hostname: "client", StateDir: filepath.Join(t.TempDir(), "state"), ControlURL: l.ControlURL(), Ephemeral: true, Lab: true})
	t.Cleanup(n.Close)
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 127.0.0.1\nsearch lan.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host := resolve.NewUpstream(path)
	host.Port = uint16(silent.LocalAddr().(*net.UDPAddr).Port)
	t.Cleanup(func() {
		// What was sent to a socket of this host is there by now.
		if err := silent.SetReadDeadline(time.Now()); err != nil {
			t.Error(err)
		}
		if n, err := silent.Read(make([]byte, 512)); err == nil {
			t.Errorf("the host's resolver was asked, %d bytes", n)
		}
		silent.Close()
	})
	return &resolve.DNS{Resolver: &resolve.Resolver{Tailnet: n, Host: host}}
}

func TestANodeOfTheLabAnswersDNS(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := lab.Start(ctx, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.AddRecord(ctx, "extra", netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	d := member(t, l)
	hello, _ := l.Node(lab.HelloName)
	for _, tt := range []struct {
		name string
		kind dnsmessage.Type
		want string
	}{
		{hello.Name, dnsmessage.TypeA, hello.Addresses[0].String()},
		{strings.ToUpper(hello.Name), dnsmessage.TypeAAAA, hello.Addresses[1].String()},
		{"hello", dnsmessage.TypeA, hello.Addresses[0].String()},
		{"extra." + lab.Domain, dnsmessage.TypeA, "192.0.2.1"},
		{"client." + lab.Domain, dnsmessage.TypeMX, "RCodeSuccess"},
		{"1.0.64.100.in-addr.arpa", dnsmessage.TypePTR, hello.Name + "."},
		{"250.0.64.100.in-addr.arpa", dnsmessage.TypePTR, "RCodeNameError"},
		{"100.100.100.100.in-addr.arpa", dnsmessage.TypePTR, "magicdns.localhost-tailscale-daemon."},
		{"nobody." + lab.Domain, dnsmessage.TypeA, "RCodeNameError"},
		{lab.Zone, dnsmessage.TypeTXT, lab.ZoneText},
		{lab.Zone, dnsmessage.TypeA, "RCodeSuccess"},
		{lab.Zone, 65, "RCodeSuccess"},
		{lab.ZoneEcho, dnsmessage.TypeSRV, hello.Name + ".:7"},
		{"example.org", dnsmessage.TypeA, "RCodeNameError"},
		{"example.org", 65, "RCodeNameError"},
		{hello.Name + ".lan.example", dnsmessage.TypeA, "RCodeNameError"},
	} {
		question := dnsmessage.Question{Name: dnsmessage.MustNewName(tt.name + "."), Type: tt.kind, Class: dnsmessage.ClassINET}
		query := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{question}}
		packed, err := query.Pack()
		if err != nil {
			t.Fatal(err)
		}
		var answer dnsmessage.Message
		if err := answer.Unpack(d.Answer(ctx, packed, resolve.UDPLimit(packed))); err != nil {
			t.Fatalf("%s %v: %v", tt.name, tt.kind, err)
		}
		if got := last(answer); got != tt.want || answer.ID != 7 || !slices.Equal(answer.Questions, query.Questions) {
			t.Errorf("%s %v: %s, want %s; %+v %v", tt.name, tt.kind, got, tt.want, answer.Header, answer.Questions)
		}
	}
	answer, err := d.Resolver.Addresses(ctx, "hello", true, true)
	if err != nil || !slices.Equal(answer.Addresses, hello.Addresses) || answer.Canonical != hello.Name {
		t.Errorf("hello is %+v, %v", answer, err)
	}
	names, err := d.Resolver.Names(ctx, hello.Addresses[1].String())
	if err != nil || !slices.Equal(names.Names, []string{hello.Name}) {
		t.Errorf("%v is %+v, %v", hello.Addresses[1], names, err)
	}
	overTCP(ctx, t, d)
}

// overTCP asks by the stream that programs use for long answers.
func overTCP(ctx context.Context, t *testing.T, d *resolve.DNS) {
	client, server := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.ServeStream(ctx, server)
	}()
	resolver := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
	txt, err := resolver.LookupTXT(ctx, lab.Zone+".")
	if err != nil || !slices.Equal(txt, []string{lab.ZoneText}) {
		t.Errorf("%s says %q over TCP, %v", lab.Zone, txt, err)
	}
	client.Close()
	<-ended
}

// last returns the last answer in short, or the code when there is none.
func last(m dnsmessage.Message) string {
	if len(m.Answers) == 0 {
		return m.RCode.String()
	}
	switch body := m.Answers[len(m.Answers)-1].Body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(body.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(body.AAAA).String()
	case *dnsmessage.PTRResource:
		return body.PTR.String()
	case *dnsmessage.TXTResource:
		return strings.Join(body.TXT, "")
	case *dnsmessage.SRVResource:
		return body.Target.String() + ":" + strconv.Itoa(int(body.Port))
	}
	return m.Answers[len(m.Answers)-1].Header.Type.String()
}
