package channel

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

type shape int

const (
	shapeRequest shape = iota + 1
	shapeResult
	shapeError
	shapeEvent
)

// envelope is one line. Its body aliases the line.
type envelope struct {
	shape shape
	id    uint64
	name  string
	body  jsontext.Value
	err   *message.Error
}

const (
	hasID = 1 << iota
	hasMethod
	hasParams
	hasResult
	hasError
	hasEvent
)

const maxID = 1<<53 - 1

func decodeEnvelope(line []byte) (envelope, error) {
	var env envelope
	dec := jsontext.NewDecoder(bytes.NewBuffer(line))
	if dec.PeekKind() != '{' {
		return env, errors.New("a line is not a JSON object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return env, errors.New("a line is not a JSON object")
	}
	var has int
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			return env, errors.New("a line is not JSON")
		}
		field, err := readField(dec, &env, tok.String())
		if err != nil {
			return env, err
		}
		has |= field
	}
	if _, err := dec.ReadToken(); err != nil {
		return env, errors.New("a line is not JSON")
	}
	// What follows the object: JSON's white space is allowed, nothing else is.
	if len(bytes.Trim(line[dec.InputOffset():], " \t\r\n")) != 0 {
		return env, errors.New("a line has data after its object")
	}
	switch has {
	case hasID | hasMethod | hasParams:
		env.shape = shapeRequest
	case hasID | hasResult:
		env.shape = shapeResult
	case hasID | hasError:
		env.shape = shapeError
	case hasEvent | hasParams:
		env.shape = shapeEvent
	default:
		return env, errors.New("a line is neither request, answer nor event")
	}
	return env, nil
}

func readField(dec *jsontext.Decoder, env *envelope, name string) (field int, err error) {
	switch name {
	case "method", "event":
		if name == "event" {
			field = hasEvent
		} else {
			field = hasMethod
		}
		tok, err := dec.ReadToken()
		if err != nil || tok.Kind() != '"' {
			return 0, fmt.Errorf("the %s of a line is not a string", name)
		}
		env.name = tok.String()
		return field, nil
	case "id":
		raw, err := dec.ReadValue()
		if err != nil {
			return 0, errors.New("a line is not JSON")
		}
		env.id, err = strconv.ParseUint(string(raw), 10, 64)
		if err != nil || env.id == 0 || env.id > maxID {
			return 0, errors.New("the id of a line is not a positive integer")
		}
		return hasID, nil
	case "params", "result":
		if dec.PeekKind() != '{' {
			return 0, fmt.Errorf("the %s of a line is not an object", name)
		}
		env.body, err = dec.ReadValue()
		if err != nil {
			return 0, errors.New("a line is not JSON")
		}
		if name == "params" {
			return hasParams, nil
		}
		return hasResult, nil
	case "error":
		raw, err := dec.ReadValue()
		if err != nil {
			return 0, errors.New("a line is not JSON")
		}
		failure, err := message.Decode[message.Error](raw)
		if err != nil {
			return 0, fmt.Errorf("the error of a line: %w", err)
		}
		env.err = &failure
		return hasError, nil
	}
	return 0, errors.New("a line has an unknown field")
}

func appendRequest(dst []byte, id uint64, method string, params any) ([]byte, error) {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"method":`...)
	dst = strconv.AppendQuote(dst, method)
	dst = append(dst, `,"params":`...)
	return appendBody(dst, params)
}

func appendEvent(dst []byte, event string, params any) ([]byte, error) {
	dst = append(dst, `{"event":`...)
	dst = strconv.AppendQuote(dst, event)
	dst = append(dst, `,"params":`...)
	return appendBody(dst, params)
}

func appendResult(dst []byte, id uint64, result any) ([]byte, error) {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"result":`...)
	return appendBody(dst, result)
}

func appendError(dst []byte, id uint64, failure *message.Error) ([]byte, error) {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"error":`...)
	return appendBody(dst, failure)
}

func appendBody(dst []byte, body any) ([]byte, error) {
	start := len(dst)
	dst, err := message.AppendEncoded(dst, body)
	if err != nil {
		return nil, err
	}
	if dst[start] != '{' {
		return nil, fmt.Errorf("%T is not encoded as an object", body)
	}
	return append(dst, '}', '\n'), nil
}
