package lab

import (
	"reflect"
	"sync"
	"unsafe"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

// deleteNode does what the test server has no method for. The tests of expired keys fail should its fields go away.
func deleteNode(server *testcontrol.Server, node key.NodePublic) {
	mu, ok := fieldOf[sync.Mutex](server, "mu")
	if !ok {
		return
	}
	nodes, ok := fieldOf[map[key.NodePublic]*tailcfg.Node](server, "nodes")
	if !ok {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	delete(*nodes, node)
}

func fieldOf[T any](server *testcontrol.Server, name string) (*T, bool) {
	field := reflect.ValueOf(server).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return nil, false
	}
	return (*T)(unsafe.Pointer(field.UnsafeAddr())), true
}
