package main

import (
	"net/netip"

	"github.com/tailproxy/tailproxy/sidecar/internal/sourceport"
)

// visit makes the connection that the last line of settings asks for, if it does. It stays until the end.
func (s *server) visit() error {
	wanted := s.settings.takeVisit()
	if wanted == nil {
		return nil
	}
	socket, err := s.visits.Connect(s.ctx, wanted.To, sourceport.Note{
		Write: func(local netip.AddrPort, cookie uint64) { s.board.SetClient(local, cookie, wanted.From, wanted.To) },
		Erase: s.board.ClearClient,
	})
	if err != nil {
		return err
	}
	s.joined.add(socket)
	return nil
}

func (s *settings) takeVisit() *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.now.Visit
	s.now.Visit = nil
	return taken
}
