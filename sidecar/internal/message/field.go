package message

import (
	"reflect"
	"strings"
)

type field struct {
	name     string
	index    int
	required bool
}

type fields []field

func (f fields) index(name string) int {
	for i := range f {
		if f[i].name == name {
			return i
		}
	}
	return -1
}

// known has the fields of every message, made once and never changed.
var known = func() map[reflect.Type]fields {
	all := map[reflect.Type]fields{}
	for _, spec := range Specs() {
		for _, t := range []reflect.Type{spec.Params, spec.Result} {
			collect(all, t)
		}
	}
	collect(all, reflect.TypeFor[Error]())
	return all
}()

func collect(all map[reflect.Type]fields, t reflect.Type) {
	if t == nil {
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(all, t.Elem())
	case reflect.Struct:
		if _, ok := all[t]; ok {
			return
		}
		all[t] = makeFields(t)
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				collect(all, t.Field(i).Type)
			}
		}
	}
}

func fieldsOf(t reflect.Type) fields {
	if f, ok := known[t]; ok {
		return f
	}
	return makeFields(t)
}

func makeFields(t reflect.Type) fields {
	var made fields
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("json")
		if !ok || !t.Field(i).IsExported() {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		made = append(made, field{
			name:     name,
			index:    i,
			required: options != "omitempty" && options != "omitzero",
		})
	}
	return made
}
