package channel

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

type vector struct {
	Name   string       `json:"name"`
	From   message.Side `json:"from"`
	Kind   string       `json:"kind"`
	Method string       `json:"method"`
	Line   string       `json:"line"`
	Valid  bool         `json:"valid"`
	Why    string       `json:"why"`
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("../../../packages/sidecar/vectors/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			encoded, err := accept(v)
			if (err == nil) != v.Valid {
				t.Fatalf("%s: %v; valid is %v (%s)", v.Line, err, v.Valid, v.Why)
			}
			if err != nil {
				return
			}
			var want, got any
			if err := json.Unmarshal([]byte(v.Line), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(encoded, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(without(want), without(got)) {
				t.Errorf("%s is encoded as %s", v.Line, encoded)
			}
		})
	}
}

// without removes optional values that say nothing; an encoder may leave them out.
func without(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	cleaned := map[string]any{}
	for name, inner := range object {
		switch name {
		case "leftover", "tags", "forwards", "lab", "tailscaleLogs", "delayMs":
			if inner == "" || inner == false || inner == 0.0 || reflect.DeepEqual(inner, []any{}) {
				continue
			}
		}
		cleaned[name] = without(inner)
	}
	return cleaned
}

// accept decodes a line as its receiver does and encodes what it found.
func accept(v vector) ([]byte, error) {
	env, err := decodeEnvelope([]byte(v.Line))
	if err != nil {
		return nil, err
	}
	for _, spec := range message.Specs() {
		if spec.Name != v.Method && env.name != spec.Name {
			continue
		}
		asked := spec.From == v.From
		switch {
		case env.shape == shapeRequest && v.Kind == "request" && asked && spec.Result != nil && env.name == spec.Name:
			value, err := decodeAs(spec.Params, env.body)
			if err != nil {
				return nil, err
			}
			return appendRequest(nil, env.id, env.name, value)
		case env.shape == shapeEvent && v.Kind == "event" && asked && spec.Result == nil && env.name == spec.Name:
			value, err := decodeAs(spec.Params, env.body)
			if err != nil {
				return nil, err
			}
			return appendEvent(nil, env.name, value)
		case env.shape == shapeResult && v.Kind == "answer" && !asked && spec.Name == v.Method:
			value, err := decodeAs(spec.Result, env.body)
			if err != nil {
				return nil, err
			}
			return appendResult(nil, env.id, value)
		case env.shape == shapeError && v.Kind == "answer" && !asked && spec.Name == v.Method:
			return appendError(nil, env.id, env.err)
		}
	}
	return nil, os.ErrNotExist
}

func decodeAs(t reflect.Type, raw []byte) (any, error) {
	return message.DecodeType(t, raw)
}

func TestVectorsAreComplete(t *testing.T) {
	type subject struct {
		from         message.Side
		kind, method string
	}
	valid, invalid := map[subject]int{}, map[subject]int{}
	for _, v := range readVectors(t) {
		s := subject{v.From, v.Kind, v.Method}
		if v.Valid {
			valid[s]++
		} else {
			invalid[s]++
		}
	}
	other := map[message.Side]message.Side{
		message.FromNode:    message.FromSidecar,
		message.FromSidecar: message.FromNode,
	}
	check := func(s subject) {
		if valid[s] < 2 || invalid[s] < 2 {
			t.Errorf("%v has %d valid and %d invalid vectors; want two of each", s, valid[s], invalid[s])
		}
	}
	for _, spec := range message.Specs() {
		if spec.Result == nil {
			check(subject{spec.From, "event", spec.Name})
			continue
		}
		check(subject{spec.From, "request", spec.Name})
		check(subject{other[spec.From], "answer", spec.Name})
	}
}
