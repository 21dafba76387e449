package channel

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"testing/iotest"
)

func FuzzDecodeEnvelope(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(v.Line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		env, err := decodeEnvelope(line)
		if err != nil {
			return
		}
		var standard map[string]json.RawMessage
		if err := json.Unmarshal(line, &standard); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if (env.shape == shapeRequest || env.shape == shapeEvent) != (standard["params"] != nil) {
			t.Fatalf("%q is of shape %d", line, env.shape)
		}
	})
}

// FuzzDecodeLines checks that lines do not depend on how the stream is cut into reads.
func FuzzDecodeLines(f *testing.F) {
	f.Add([]byte("a\nb\n\nc"))
	f.Add([]byte("\n"))
	f.Add(bytes.Repeat([]byte("x"), readBuffer))
	f.Add(append(bytes.Repeat([]byte("x"), readBuffer), "\nab\n"...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, wholeErr := allLines(bytes.NewReader(stream))
		cut, cutErr := allLines(iotest.OneByteReader(bytes.NewReader(stream)))
		if !bytes.Equal(whole, cut) || (wholeErr == io.EOF) != (cutErr == io.EOF) {
			t.Fatalf("%q, %v by one read and %q, %v by many", whole, wholeErr, cut, cutErr)
		}
		if wholeErr == io.EOF && !bytes.Equal(whole, stream) {
			t.Fatalf("%q is not %q", whole, stream)
		}
	})
}

func allLines(r io.Reader) ([]byte, error) {
	lines := newLineReader(r)
	var all []byte
	for {
		line, err := lines.next()
		if err != nil {
			return all, err
		}
		all = append(append(all, line...), '\n')
	}
}
