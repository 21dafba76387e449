package board

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
)

type step struct {
	Do          string         `json:"do"`
	Tarpit4     netip.AddrPort `json:"tarpit4"`
	Tarpit6     netip.AddrPort `json:"tarpit6"`
	Everything  bool           `json:"everything"`
	Routes      []netip.Prefix `json:"routes"`
	Resolvers   []netip.Addr   `json:"resolvers"`
	MTU         uint32         `json:"mtu"`
	Cookie      string         `json:"cookie"`
	Errno       uint32         `json:"errno"`
	Tarpit      netip.Addr     `json:"tarpit"`
	Port        uint16         `json:"port"`
	Flow        netip.AddrPort `json:"flow"`
	Destination netip.AddrPort `json:"destination"`
	From        netip.AddrPort `json:"from"`
	Peer        netip.AddrPort `json:"peer"`
	Listener    netip.AddrPort `json:"listener"`
	Pieces      []struct {
		Offset int    `json:"offset"`
		Hex    string `json:"hex"`
	} `json:"pieces"`
}

func (s step) cookie(t *testing.T) uint64 {
	t.Helper()
	cookie, err := strconv.ParseUint(s.Cookie, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func (s step) apply(t *testing.T, b *Board) {
	t.Helper()
	switch s.Do {
	case "new":
	case "setTarpits":
		b.SetTarpits(s.Tarpit4, s.Tarpit6)
	case "setRouting":
		b.SetRouting(Routing{Everything: s.Everything, Routes: s.Routes, Resolvers: s.Resolvers, MTU: s.MTU})
	case "setFailure":
		b.SetFailure(s.cookie(t), syscall.Errno(s.Errno))
	case "clearFailure":
		b.ClearFailure(s.cookie(t))
	case "setPeer":
		b.SetPeer(s.Tarpit, s.Port, s.cookie(t), s.Destination)
	case "setFlow":
		if !b.SetFlow(s.Flow, s.cookie(t), s.Destination) {
			t.Error("the index is full")
		}
	case "clearFlow":
		b.ClearFlow(s.Flow, s.cookie(t), s.Destination)
	case "setClient":
		b.SetClient(s.From, s.cookie(t), s.Peer, s.Listener)
	case "clearClient":
		b.ClearClient(s.From, s.cookie(t))
	default:
		t.Fatalf("nobody knows how to %q", s.Do)
	}
}

func TestWritesTheVectors(t *testing.T) {
	raw, err := os.ReadFile("../../../native/preload/vectors/board.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Board []step `json:"board"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	b := newBoard(t)
	for _, step := range file.Board {
		step.apply(t, b)
		for _, piece := range step.Pieces {
			got := hex.EncodeToString(b.memory[piece.Offset:][:len(piece.Hex)/2])
			if got != piece.Hex {
				t.Errorf("%s of %s%v: at %d is %s; want %s", step.Do, step.Cookie, step.Flow, piece.Offset, got, piece.Hex)
			}
		}
	}
}
