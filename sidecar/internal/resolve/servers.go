package resolve

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// servers are resolvers that are asked in turn, by UDP and by TCP what does not fit.
type servers struct {
	// dial connects to one; network is udp or tcp.
	dial      func(ctx context.Context, network string, server netip.AddrPort) (io.ReadWriteCloser, error)
	addresses []netip.AddrPort
	// timeout is for one server and network.
	timeout  time.Duration
	attempts int
}

func (s servers) exchange(ctx context.Context, query []byte) ([]byte, error) {
	var refusal []byte
	failures := make([]error, 0, len(s.addresses)*s.attempts)
	for range s.attempts {
		for _, server := range s.addresses {
			answer, err := s.ask(ctx, server, withID(query))
			if cause := context.Cause(ctx); cause != nil {
				return nil, cause
			}
			if err != nil {
				failures = append(failures, fmt.Errorf("%v: %w", server, err))
				continue
			}
			switch rcodeOf(answer) {
			case dnsmessage.RCodeServerFailure, dnsmessage.RCodeNotImplemented, dnsmessage.RCodeRefused:
				// Another may know better: res_send of glibc.
				refusal = answer
			default:
				return answer, nil
			}
		}
		// They have answered; asking again would not change it.
		if refusal != nil {
			return refusal, nil
		}
	}
	return nil, message.Errorf(message.TimedOut, "no resolver answered: %w", errors.Join(failures...))
}

func (s servers) ask(ctx context.Context, server netip.AddrPort, query []byte) ([]byte, error) {
	answer, err := s.askBy(ctx, "udp", server, query)
	if err != nil || flagsOf(answer)&flagTruncated == 0 {
		return answer, err
	}
	whole, err := s.askBy(ctx, "tcp", server, query)
	if err != nil {
		// What fitted is better than nothing, and says that it is not all.
		return answer, nil
	}
	return whole, nil
}

func (s servers) askBy(ctx context.Context, network string, server netip.AddrPort, query []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := s.dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if network == "tcp" {
		return askStream(conn, query)
	}
	return askDatagram(conn, query)
}

func askStream(conn io.ReadWriter, query []byte) ([]byte, error) {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	if _, err := conn.Write(append(framed, query...)); err != nil {
		return nil, err
	}
	answer, err := readFrame(conn)
	if err == nil && !fits(query, answer) {
		err = errMalformed
	}
	return answer, err
}

func askDatagram(conn io.ReadWriter, query []byte) ([]byte, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, MaxMessage)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		// Anyone can send a datagram; what does not answer the question is not the answer.
		if fits(query, buf[:n]) {
			return bytes.Clone(buf[:n]), nil
		}
	}
}

// readFrame reads a message of a stream: RFC 1035 section 4.2.2.
func readFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(r, msg); err != nil {
		return nil, err
	}
	return msg, nil
}
