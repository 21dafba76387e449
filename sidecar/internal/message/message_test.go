package message_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const vectors = "../../../packages/sidecar/vectors/"

func readVectors[T any](t testing.TB, name string) T {
	t.Helper()
	raw, err := os.ReadFile(vectors + name)
	if err != nil {
		t.Fatal(err)
	}
	var value T
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestCodes(t *testing.T) {
	table := readVectors[struct {
		Codes []struct {
			Code message.Code `json:"code"`
		} `json:"codes"`
	}](t, "errors.json")
	var want []message.Code
	for _, row := range table.Codes {
		want = append(want, row.Code)
	}
	if got := message.Codes(); !reflect.DeepEqual(got, want) {
		t.Errorf("the codes are %v; the table has %v", got, want)
	}
}

func TestDecode(t *testing.T) {
	const start = `{"hostname":"h","stateDir":"/s","ephemeral":true`
	tests := []struct {
		name, line, why string
	}{
		{"field-twice", start + `,"hostname":"h"}`, "comes twice"},
		{"field-in-another-case", `{"Hostname":"h","stateDir":"/s","ephemeral":true}`, "unknown field"},
		{"invalid-utf8", "{\"hostname\":\"\xff\",\"stateDir\":\"/s\",\"ephemeral\":true}", "not JSON"},
		{"lone-surrogate", `{"hostname":"\ud800","stateDir":"/s","ephemeral":true}`, "not JSON"},
		{"data-after", start + `}{}`, "after the value"},
		{"missing", `{"hostname":"h","stateDir":"/s"}`, "ephemeral: missing"},
		{"element", start + `,"tags":["a",7]}`, "tags.1: must be a string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := message.Decode[message.Start]([]byte(tt.line))
			if err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("got %v; want %q", err, tt.why)
			}
		})
	}
}

func TestDecodeStricterThanTheDriver(t *testing.T) {
	tests := []struct {
		name string
		err  error
	}{
		{"listen-beyond-loopback", decodes[message.ListenSocks](`{"host":"0.0.0.0","port":0,"cap":1,"handshakeMs":1}`)},
		{"listen-on-a-name", decodes[message.ListenSocks](`{"host":"localhost","port":0,"cap":1,"handshakeMs":1}`)},
		{"forward-beyond-loopback", decodes[message.AddForward](`{"node":"hello","port":1,"target":"192.0.2.1:80"}`)},
		{"node-name-with-a-dot", decodes[message.AddNode](`{"name":"a.b"}`)},
		{"record-without-an-address", decodes[message.AddRecord](`{"name":"a","address":"b"}`)},
		{"source-without-a-port", decodes[message.Client](`{"client":1,"bytes":"","source":"127.0.0.1"}`)},
		{"base64-with-stray-bits", decodes[message.ClientWrite](`{"client":1,"bytes":"QR=="}`)},
		{"base64-over-two-lines", decodes[message.ClientWrite](`{"client":1,"bytes":"QQ\n=="}`)},
		{"targets-of-one-family", decodes[message.Retarget](`{"export":1,"targets":["127.0.0.1:1","127.0.0.2:1"]}`)},
		{"targets-of-one-family-in-disguise", decodes[message.Retarget](`{"export":1,"targets":["127.0.0.1:1","[::ffff:127.0.0.1]:1"]}`)},
		{"target-without-a-port", decodes[message.Retarget](`{"export":1,"targets":["127.0.0.1"]}`)},
		{"target-of-port-0", decodes[message.Retarget](`{"export":1,"targets":["127.0.0.1:0"]}`)},
		{"target-nowhere", decodes[message.Retarget](`{"export":1,"targets":["0.0.0.0:80"]}`)},
		{"target-for-many", decodes[message.Retarget](`{"export":1,"targets":["[ff02::1]:80"]}`)},
		{"listening-without-a-port", decodes[message.Listening](`{"sockets":[{"address":"0.0.0.0","cookie":"1"}]}`)},
		{"whois-of-a-name", decodes[message.Whois](`{"address":"hello"}`)},
		{"exit-node-approved-with-a-dot", decodes[message.SetExitNodeApproved](`{"name":"a.b","approved":true}`)},
		{"delay-of-an-hour", decodes[message.StartLab](`{"delayMs":3600000}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil {
				t.Error("it is accepted")
			}
		})
	}
}

func decodes[T any](line string) error {
	_, err := message.Decode[T]([]byte(line))
	return err
}

func TestDecodeNeverQuotesValues(t *testing.T) {
	for _, line := range []string{
		`{"hostname":"h","stateDir":"/s","ephemeral":true,"authKey":["tskey-secret"]}`,
		`{"hostname":"","stateDir":"/s","ephemeral":true,"authKey":"tskey-secret"}`,
		`{"hostname":"h","stateDir":"/s","ephemeral":true,"authKey":"tskey-secret`,
		`{"hostname":"h","stateDir":"/s","ephemeral":true,"authKey":"tskey-secret\x"}`,
	} {
		if err := decodes[message.Start](line); err == nil || strings.Contains(err.Error(), "tskey") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestEncode(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"nil-slices", message.ResolveResult{}, `{"addresses":[],"names":[]}`},
		{"optional-left-out", message.ClientDial{Client: 1}, `{"client":1,"network":"","host":"","port":0,"deadlineMs":0,"onSuccess":""}`},
		{"false-left-out", message.Start{}, `{"hostname":"","stateDir":"","ephemeral":false}`},
		{"error", message.Errorf(message.Busy, "no"), `{"code":"busy","message":"no"}`},
		{"empty", message.Empty{}, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := message.Encode(tt.value)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range readVectors[[]struct{ Line string }](f, "messages.json") {
		f.Add([]byte(v.Line))
		var envelope struct{ Params, Result json.RawMessage }
		if json.Unmarshal([]byte(v.Line), &envelope) == nil {
			f.Add([]byte(envelope.Params))
			f.Add([]byte(envelope.Result))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		roundTrip[message.Start](t, raw)
		roundTrip[message.ClientDial](t, raw)
		roundTrip[message.ClientWrite](t, raw)
		roundTrip[message.Register](t, raw)
		roundTrip[message.ServeDials](t, raw)
		roundTrip[message.ServeDialsResult](t, raw)
		roundTrip[message.Ask](t, raw)
		roundTrip[message.FlowOpened](t, raw)
		roundTrip[message.FlowClosed](t, raw)
		roundTrip[message.Status](t, raw)
		roundTrip[message.AddNode](t, raw)
		roundTrip[message.Export](t, raw)
		roundTrip[message.Retarget](t, raw)
		roundTrip[message.Exports](t, raw)
		roundTrip[message.Listening](t, raw)
	})
}

// roundTrip checks that what is decoded is encoded to something that means the same, and that
// encoding/json sees no other meaning in it.
func roundTrip[T any](t *testing.T, raw []byte) {
	t.Helper()
	value, err := message.Decode[T](raw)
	if err != nil {
		return
	}
	encoded, err := message.Encode(value)
	if err != nil {
		t.Fatalf("%s: encoding: %v", raw, err)
	}
	again, err := message.Decode[T](encoded)
	if err != nil {
		t.Fatalf("%s: decoding %s: %v", raw, encoded, err)
	}
	final, err := message.Encode(again)
	if err != nil || string(final) != string(encoded) {
		t.Fatalf("%s: %s, then %s", raw, encoded, final)
	}
	var standard T
	if err := json.Unmarshal(raw, &standard); err != nil {
		t.Fatalf("%s: encoding/json: %v", raw, err)
	}
}
