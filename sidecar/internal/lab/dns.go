package lab

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone has the only names outside the tailnet: a text, and where hello's echo is.
const (
	Zone     = "lab.test"
	ZoneText = "tailproxy-lab"
	ZoneEcho = "_echo._tcp." + Zone
)

// resolver is the tailnet's global resolver: but for Zone no name exists outside the tailnet, and it says so at
// once, so that no node has a reason to ask the host's resolver.
type resolver struct {
	conn *net.UDPConn
}

func startResolver() (*resolver, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(loopback)})
	if err != nil {
		return nil, fmt.Errorf("listening for DNS: %w", err)
	}
	r := &resolver{conn: conn}
	go r.serve()
	return r, nil
}

func (r *resolver) address() string { return r.conn.LocalAddr().String() }

func (r *resolver) close() { r.conn.Close() }

func (r *resolver) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer, err := respond(buf[:n]); err == nil {
			_, _ = r.conn.WriteToUDPAddrPort(answer, from)
		}
	}
}

func respond(query []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	answer := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID:                 header.ID,
			Response:           true,
			Authoritative:      true,
			RecursionDesired:   header.RecursionDesired,
			RecursionAvailable: true,
			RCode:              dnsmessage.RCodeNameError,
		},
		Questions: []dnsmessage.Question{question},
	}
	if record := recordOf(question.Name.String()); record != nil {
		answer.RCode = dnsmessage.RCodeSuccess
		resource := dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: zoneTTL},
			Body:   record,
		}
		if question.Type == typeOf(record) {
			answer.Answers = []dnsmessage.Resource{resource}
		}
	}
	return answer.Pack()
}

// zoneTTL is in seconds.
const zoneTTL = 60

// recordOf returns the one record that a name of Zone has, or nil.
func recordOf(name string) dnsmessage.ResourceBody {
	switch strings.ToLower(name) {
	case Zone + ".":
		return &dnsmessage.TXTResource{TXT: []string{ZoneText}}
	case ZoneEcho + ".":
		return &dnsmessage.SRVResource{Port: 7, Target: dnsmessage.MustNewName(HelloName + "." + Domain + ".")}
	}
	return nil
}

func typeOf(record dnsmessage.ResourceBody) dnsmessage.Type {
	if _, ok := record.(*dnsmessage.SRVResource); ok {
		return dnsmessage.TypeSRV
	}
	return dnsmessage.TypeTXT
}
