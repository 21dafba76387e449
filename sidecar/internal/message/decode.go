package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxInteger is the largest integer both sides hold exactly: Number.MAX_SAFE_INTEGER.
const maxInteger = 1<<53 - 1

// checker is a value that has rules beyond its Go type.
type checker interface{ check() error }

// Decode parses raw, which is one JSON value, into a T. The error names the field and never holds
// its value, which may be a secret.
func Decode[T any](raw []byte) (T, error) {
	var value, none T
	if err := decodeWhole(raw, reflect.ValueOf(&value).Elem()); err != nil {
		return none, err
	}
	return value, nil
}

// DecodeType is Decode for a type of Specs.
func DecodeType(t reflect.Type, raw []byte) (any, error) {
	value := reflect.New(t).Elem()
	if err := decodeWhole(raw, value); err != nil {
		return nil, err
	}
	return value.Interface(), nil
}

func decodeWhole(raw []byte, value reflect.Value) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if err := decodeValue(dec, value); err != nil {
		return err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("data after the value")
	}
	return nil
}

// Encode is the inverse of Decode: one line without its newline.
func Encode(value any) ([]byte, error) { return json.Marshal(value) }

// AppendEncoded appends Encode(value) to dst.
func AppendEncoded(dst []byte, value any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	if err := json.MarshalWrite(buf, value); err != nil {
		return dst, err
	}
	return buf.Bytes(), nil
}

func decodeValue(dec *jsontext.Decoder, v reflect.Value) error {
	if err := decodeKind(dec, v); err != nil {
		return err
	}
	if c, ok := v.Interface().(checker); ok {
		return c.check()
	}
	return nil
}

func decodeKind(dec *jsontext.Decoder, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(dec, v.Elem())
	case reflect.Struct:
		return decodeStruct(dec, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return decodeBytes(dec, v)
		}
		return decodeSlice(dec, v)
	case reflect.String:
		text, err := readString(dec)
		v.SetString(text)
		return err
	case reflect.Bool:
		tok, err := readToken(dec, "true or false", 't', 'f')
		if err == nil {
			v.SetBool(tok.Bool())
		}
		return err
	case reflect.Float64:
		return decodeNumber(dec, v)
	case reflect.Map:
		return decodeMap(dec, v)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeInteger(dec, v)
	}
	return fmt.Errorf("%s has no decoder", v.Type())
}

func decodeStruct(dec *jsontext.Decoder, v reflect.Value) error {
	if _, err := readToken(dec, "an object", '{'); err != nil {
		return err
	}
	fields := fieldsOf(v.Type())
	var seen uint64
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			return syntax(err)
		}
		i := fields.index(tok.String())
		if i < 0 {
			return fmt.Errorf("unknown field %s", shorten(tok.String()))
		}
		seen |= 1 << i
		if err := decodeValue(dec, v.Field(fields[i].index)); err != nil {
			return inField(fields[i].name, err)
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntax(err)
	}
	for i, f := range fields {
		if f.required && seen&(1<<i) == 0 {
			return fmt.Errorf("%s: missing", f.name)
		}
	}
	return nil
}

func decodeSlice(dec *jsontext.Decoder, v reflect.Value) error {
	if _, err := readToken(dec, "an array", '['); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for dec.PeekKind() != ']' {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := decodeValue(dec, element); err != nil {
			return inField(strconv.Itoa(v.Len()), err)
		}
		v.Set(reflect.Append(v, element))
	}
	_, err := dec.ReadToken()
	return syntax(err)
}

func decodeBytes(dec *jsontext.Decoder, v reflect.Value) error {
	text, err := readString(dec)
	if err != nil {
		return err
	}
	// The decoder of the standard library skips newlines; RFC 4648 section 3.3 does not.
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return errors.New("must be base64 with padding")
	}
	v.SetBytes(raw)
	return nil
}

func decodeMap(dec *jsontext.Decoder, v reflect.Value) error {
	if _, err := readToken(dec, "an object", '{'); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for dec.PeekKind() != '}' {
		key := reflect.New(v.Type().Key()).Elem()
		if err := decodeValue(dec, key); err != nil {
			return fmt.Errorf("a name: %w", err)
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if err := decodeValue(dec, element); err != nil {
			return inField(key.String(), err)
		}
		v.SetMapIndex(key, element)
	}
	_, err := dec.ReadToken()
	return syntax(err)
}

func decodeNumber(dec *jsontext.Decoder, v reflect.Value) error {
	if dec.PeekKind() != '0' {
		_, err := readToken(dec, "a number", '0')
		return err
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return syntax(err)
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return errors.New("must be a number in range")
	}
	v.SetFloat(n)
	return nil
}

func decodeInteger(dec *jsontext.Decoder, v reflect.Value) error {
	if dec.PeekKind() != '0' {
		_, err := readToken(dec, "a whole number", '0')
		return err
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return syntax(err)
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil || n > maxInteger || v.OverflowUint(n) {
		return errors.New("must be a whole number in range")
	}
	v.SetUint(n)
	return nil
}

func readString(dec *jsontext.Decoder) (string, error) {
	tok, err := readToken(dec, "a string", '"')
	if err != nil {
		return "", err
	}
	return tok.String(), nil
}

func readToken(dec *jsontext.Decoder, want string, kinds ...jsontext.Kind) (jsontext.Token, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return tok, syntax(err)
	}
	for _, kind := range kinds {
		if tok.Kind() == kind {
			return tok, nil
		}
	}
	return tok, fmt.Errorf("must be %s", want)
}

// syntax hides the text of a syntax error, which may quote the line.
func syntax(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a field comes twice")
	default:
		return errors.New("not JSON")
	}
}

func inField(name string, err error) error {
	inner := err.Error()
	if strings.Contains(inner, ": ") {
		return fmt.Errorf("%s.%s", name, inner)
	}
	return fmt.Errorf("%s: %s", name, inner)
}

const longestQuoted = 40

func shorten(name string) string {
	if len(name) > longestQuoted {
		return strconv.Quote(name[:longestQuoted]) + "…"
	}
	return strconv.Quote(name)
}
