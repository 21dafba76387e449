package zzlab

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver is the tailnet's global resolver: no name exists outside the tailnet, and says so at
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
		if answer, err := noSuchName(buf[:n]); err == nil {
			_, _ = r.conn.WriteToUDPAddrPort(answer, from)
		}
	}
}

func noSuchName(query []byte) ([]byte, error) {
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
	return answer.Pack()
}
