package dialsocket

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
)

type vector struct {
	Name        string `json:"name"`
	From        string `json:"from"`
	On          string `json:"on"`
	Descriptors int    `json:"descriptors"`
	Hex         string `json:"hex"`
	Valid       bool   `json:"valid"`
	Why         string `json:"why"`
	Fields      fields `json:"fields"`
}

type fields struct {
	Type        uint8    `json:"type"`
	PID         uint32   `json:"pid"`
	Welcome     bool     `json:"welcome"`
	Token       string   `json:"token"`
	Destination string   `json:"destination"`
	Cookie      string   `json:"cookie"`
	Want4       bool     `json:"want4"`
	Want6       bool     `json:"want6"`
	Host        string   `json:"host"`
	Address     string   `json:"address"`
	DNS         string   `json:"dns"`
	OnlyTailnet bool     `json:"onlyTailnet"`
	Asks        bool     `json:"asks"`
	UDP         string   `json:"udp"`
	Status      uint8    `json:"status"`
	Canonical   string   `json:"canonical"`
	Addresses   []string `json:"addresses"`
	Names       []string `json:"names"`
	Errno       uint32   `json:"errno"`
	Flow        string   `json:"flow"`
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("../../../native/preload/vectors/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Messages []vector `json:"messages"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Messages
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	raw, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodesTheVectorsOfPrograms(t *testing.T) {
	for _, v := range readVectors(t) {
		if v.From != "program" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			var got any
			var err error
			if raw := v.bytes(t); len(raw) > maxMessage {
				err = errTruncated // a receiver's buffer ends there
			} else if v.On == "bootstrap" {
				got, err = helloOf(decodeHello(raw, v.Descriptors))
			} else {
				got, err = decode(raw, v.Descriptors)
			}
			if (err == nil) != v.Valid {
				t.Fatalf("got %+v, %v; valid is %v (%s)", got, err, v.Valid, v.Why)
			}
			if want := v.decoded(t); v.Valid && !equal(got, want) {
				t.Errorf("got %+v; want %+v", got, want)
			}
		})
	}
}

// helloOf makes a HELLO comparable.
func helloOf(hello helloMessage, err error) (any, error) {
	return fields{Type: typeHello, PID: hello.pid, Welcome: hello.welcome, Token: string(hello.token)}, err
}

func equal(got, want any) bool {
	a, okA := got.(queryMessage)
	b, okB := want.(queryMessage)
	if okA && okB {
		return string(a.query) == string(b.query)
	}
	wanted, ok := want.(fields)
	if ok {
		have := got.(fields)
		return have.PID == wanted.PID && have.Welcome == wanted.Welcome && have.Token == wanted.Token
	}
	return got == want
}

func (v vector) decoded(t testing.TB) any {
	f := v.Fields
	switch f.Type {
	case typeHello:
		return f
	case typeDial:
		return dialMessage{netip.MustParseAddrPort(f.Destination)}
	case typeCancel:
		cookie, err := strconv.ParseUint(f.Cookie, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return cancelMessage{cookie}
	case typeResolve:
		return resolveMessage{f.Want4, f.Want6, f.Host}
	case typeReverse:
		return reverseMessage{netip.MustParseAddr(f.Address)}
	case typeQuery:
		query, err := hex.DecodeString(f.DNS)
		if err != nil {
			t.Fatal(err)
		}
		return queryMessage{query}
	case typeControl:
		return controlMessage{}
	case typeFlow:
		return flowMessage{netip.MustParseAddrPort(f.Destination)}
	}
	return nil
}

func TestEncodesTheVectorsOfTheSidecar(t *testing.T) {
	for _, v := range readVectors(t) {
		if v.From != "sidecar" || !v.Valid {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			if got := hex.EncodeToString(v.encoded(t)); got != v.Hex {
				t.Errorf("got  %s\nwant %s", got, v.Hex)
			}
		})
	}
}

func (v vector) encoded(t testing.TB) []byte {
	f := v.Fields
	switch f.Type {
	case typeWelcome:
		udp := map[string]UDP{"proxy": UDPProxy, "block": UDPBlock, "direct": UDPDirect}[f.UDP]
		return Welcome{OnlyTailnet: f.OnlyTailnet, Asks: f.Asks, UDP: udp}.encode()
	case typeAddresses:
		answer := Addresses{Status: Status(f.Status), Canonical: f.Canonical}
		for _, address := range f.Addresses {
			answer.Addresses = append(answer.Addresses, netip.MustParseAddr(address))
		}
		return answer.encode()
	case typeNames:
		return Names{Status: Status(f.Status), Names: f.Names}.encode()
	case typeAnswer:
		answer, err := hex.DecodeString(f.DNS)
		if err != nil {
			t.Fatal(err)
		}
		return encodeAnswer(answer)
	case typeFlowed:
		if f.Errno != 0 {
			return encodeFlowed(syscall.Errno(f.Errno), netip.AddrPort{})
		}
		return encodeFlowed(0, netip.MustParseAddrPort(f.Flow))
	case typeControlled:
		return encodeControlled(syscall.Errno(f.Errno))
	case typeHold:
		return encodeHold()
	}
	return nil
}

func TestAnswersStayWithinTheirLimits(t *testing.T) {
	addresses := Addresses{}
	for i := range 1_000 {
		addresses.Addresses = append(addresses.Addresses, netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)}))
	}
	if encoded := addresses.encode(); encoded[5] != 255 || len(encoded) != headerSize+3+255*addressSize {
		t.Errorf("%d addresses in %d bytes", encoded[5], len(encoded))
	}
	names := Names{Names: []string{string(make([]byte, 256))}}
	for range 1_000 {
		names.Names = append(names.Names, string(make([]byte, 255)))
	}
	if encoded := names.encode(); len(encoded) > maxAnswer || encoded[5] != 255 {
		t.Errorf("%d names in %d bytes", encoded[5], len(encoded))
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.bytes(f), v.Descriptors)
	}
	f.Fuzz(func(t *testing.T, datagram []byte, descriptors int) {
		if got, err := decode(datagram, descriptors); err == nil && got == nil {
			t.Error("neither a message nor an error")
		}
		if hello, err := decodeHello(datagram, descriptors); err == nil && len(hello.token) > 255 {
			t.Errorf("a token of %d bytes", len(hello.token))
		}
	})
}
