package resolve

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/hostdial"
	"github.com/tailproxy/tailproxy/sidecar/internal/node"
	"github.com/tailproxy/tailproxy/sidecar/internal/peers"
	"github.com/tailproxy/tailproxy/sidecar/internal/route"
)

// zone is what a resolver knows, and keeps what it was asked.
type zone struct {
	who string
	// records are by name and type, "db.x.ts.net A". The owner of a record is the name, if its header has none.
	records map[string][]dnsmessage.Resource
	// others is the code for all else; a name that has another record exists.
	others dnsmessage.RCode
	// minTTL is what the SOA record of a negative answer says; 0 leaves the record out.
	minTTL uint32

	mu    sync.Mutex
	asked []string
	raw   [][]byte
}

func (z *zone) add(name string, bodies ...dnsmessage.ResourceBody) {
	for _, body := range bodies {
		kind := "A"
		switch body.(type) {
		case *dnsmessage.AAAAResource:
			kind = "AAAA"
		case *dnsmessage.TXTResource:
			kind = "TXT"
		case *dnsmessage.PTRResource:
			kind = "PTR"
		case *dnsmessage.SRVResource:
			kind = "SRV"
		case *dnsmessage.MXResource:
			kind = "MX"
		}
		z.records[name+" "+kind] = append(z.records[name+" "+kind], dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{TTL: 300}, Body: body,
		})
	}
}

func (z *zone) answer(query []byte) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		panic(err)
	}
	question, err := parser.Question()
	if err != nil {
		// As Tailscale's resolver.
		refused := dnsmessage.Message{Header: dnsmessage.Header{ID: header.ID, Response: true, RCode: dnsmessage.RCodeFormatError}}
		packed, err := refused.Pack()
		if err != nil {
			panic(err)
		}
		return packed
	}
	name := peers.CanonicalName(question.Name.String())
	key := name + " " + strings.TrimPrefix(question.Type.String(), "Type")
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, z.who+" "+key)
	z.raw = append(z.raw, slices.Clone(query))
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RCode: dnsmessage.RCodeSuccess},
		Questions: []dnsmessage.Question{question},
	}
	found, ok := z.records[key]
	for _, resource := range found {
		if resource.Header.Name.Length == 0 {
			resource.Header.Name = question.Name
		}
		resource.Header.Class = dnsmessage.ClassINET
		m.Answers = append(m.Answers, resource)
	}
	if !ok {
		m.RCode = z.others
		for other := range z.records {
			if strings.HasPrefix(other, name+" ") {
				m.RCode = dnsmessage.RCodeSuccess
			}
		}
		if z.minTTL > 0 {
			root := dnsmessage.MustNewName(".")
			m.Authorities = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: root, Class: dnsmessage.ClassINET, TTL: z.minTTL},
				Body:   &dnsmessage.SOAResource{NS: root, MBox: root, MinTTL: z.minTTL},
			}}
		}
	}
	packed, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return packed
}

// messages returns the queries as they came.
func (z *zone) messages() [][]byte {
	z.mu.Lock()
	defer z.mu.Unlock()
	return slices.Clone(z.raw)
}

// questions returns what was asked, sorted, and forgets it.
func (z *zone) questions() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	asked := z.asked
	z.asked = nil
	slices.Sort(asked)
	return asked
}

// fake is a tailnet "x.ts.net" with the nodes me and web, a search domain with a resolver of its own, and a host with a
// resolver.
type fake struct {
	self     node.Self
	peers    peers.Table
	settings node.DNSSettings
	exit     route.ExitNode
	lab      bool
	fails    error
	// broken is why there are no settings.
	broken error
	// gate, if not nil, holds back what the tailnet answers.
	gate chan struct{}

	tailnet zone
	host    *hostServer
	// split, if not nil, is the tailnet's resolver for corp.example.
	split *hostServer
}

func newFake(t testing.TB) *fake {
	f := newTailnet()
	f.host = newHostServer(t)
	return f
}

// newTailnet is a fake without a host, and so without sockets.
func newTailnet() *fake {
	f := &fake{
		self: node.Self{Name: "me.x.ts.net", Addresses: addrs("100.64.0.9", "fd7a:115c:a1e0::9")},
		settings: node.DNSSettings{
			Domain: "x.ts.net", MagicDNS: true,
			Search:  []string{"x.ts.net", "corp.example"},
			Routes:  []string{"corp.example", "16.172.in-addr.arpa"},
			Records: map[string][]netip.Addr{"extra.example.net": addrs("192.0.2.71", "192.0.2.72", "2001:db8::71")},
		},
		tailnet: zone{who: "tailnet", records: map[string][]dnsmessage.Resource{}, others: dnsmessage.RCodeNameError},
	}
	f.peers.Replace([]*peers.Peer{
		{ID: 1, Name: "web.x.ts.net", Addresses: addrs("100.64.0.1", "fd7a:115c:a1e0::1")},
		{ID: 2, Name: "shared.other.ts.net", Addresses: addrs("100.64.0.2"), Routes: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}},
	})
	return f
}

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func (f *fake) Self() *node.Self                              { return &f.self }
func (f *fake) Peers() *peers.Table                           { return &f.peers }
func (f *fake) DNS(context.Context) (node.DNSSettings, error) { return f.settings, f.broken }
func (f *fake) ExitNode() route.ExitNode                      { return f.exit }
func (f *fake) InLab() bool                                   { return f.lab }

func (f *fake) DNSServers(name string) []netip.AddrPort {
	if f.split == nil || !node.IsBelow(name, "corp.example") {
		return nil
	}
	return []netip.AddrPort{f.split.udp.LocalAddr().(*net.UDPAddr).AddrPort()}
}

func (f *fake) DialDNS(ctx context.Context, network string, server netip.AddrPort) (io.ReadWriteCloser, error) {
	return new(hostdial.Dialer).Dial(ctx, network, server)
}

func (f *fake) QueryDNS(_ context.Context, query []byte) ([]byte, error) {
	answer := f.tailnet.answer(query)
	if f.gate != nil {
		<-f.gate
	}
	return answer, f.fails
}

// resolver has the host's files as given; the host's resolver is f.host.
func (f *fake) resolver(t *testing.T, hosts string) *Resolver {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Resolver{Tailnet: f, Hosts: NewHosts(path), Host: f.host.upstream(t)}
}

func (f *fake) asked() []string { return append(f.host.questions(), f.tailnet.questions()...) }

// hostServer is a DNS server on loopback, by UDP and TCP.
type hostServer struct {
	zone
	udp *net.UDPConn
	tcp *net.TCPListener

	start   sync.Once
	serving sync.WaitGroup

	// edit, if not nil, changes an answer; nil is no answer.
	edit func(network string, answer []byte) []byte
}

func newHostServer(t testing.TB) *hostServer {
	t.Helper()
	s := &hostServer{zone: zone{who: "host", records: map[string][]dnsmessage.Resource{}, others: dnsmessage.RCodeNameError}}
	for range 20 {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		// The port that the kernel gave may be taken for TCP.
		tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: udp.LocalAddr().(*net.UDPAddr).Port})
		if err != nil {
			udp.Close()
			continue
		}
		s.udp, s.tcp = udp, tcp
		break
	}
	if s.udp == nil {
		t.Fatal("no port is free for both UDP and TCP")
	}
	t.Cleanup(func() {
		s.udp.Close()
		s.tcp.Close()
		s.serving.Wait()
	})
	return s
}

// upstream starts the server, which is not to be changed any more, and returns a way to ask it.
func (s *hostServer) upstream(t testing.TB) *Upstream {
	s.start.Do(func() {
		s.serving.Go(s.serveUDP)
		s.serving.Go(s.serveTCP)
	})
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 127.0.0.1\nsearch lan.example\noptions timeout:1 attempts:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	upstream := NewUpstream(path)
	upstream.Port = uint16(s.udp.LocalAddr().(*net.UDPAddr).Port)
	return upstream
}

func (s *hostServer) edited(network string, query []byte) []byte {
	answer := s.answer(query)
	if s.edit != nil {
		return s.edit(network, answer)
	}
	return answer
}

func (s *hostServer) serveUDP() {
	buf := make([]byte, MaxMessage)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if answer := s.edited("udp", buf[:n]); answer != nil {
			_, _ = s.udp.WriteToUDPAddrPort(answer, from)
		}
	}
}

func (s *hostServer) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		if query, err := readFrame(conn); err == nil {
			if answer := s.edited("tcp", query); answer != nil {
				framed := binary.BigEndian.AppendUint16(nil, uint16(len(answer)))
				_, _ = io.Copy(conn, strings.NewReader(string(append(framed, answer...))))
			}
		}
		conn.Close()
	}
}

func a(text string) dnsmessage.ResourceBody {
	return &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()}
}

func aaaa(text string) dnsmessage.ResourceBody {
	return &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(text).As16()}
}
