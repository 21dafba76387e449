package node

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNothingIsWrittenToTheStateDirectoryAfterTheEnd(t *testing.T) {
	dir := t.TempDir()
	s, err := openStateStore(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteState("key", []byte("value")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "tailscaled.state")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	if err := s.WriteState("key", []byte("late")); !errors.Is(err, ErrStopped) {
		t.Errorf("writing gave %v", err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file is %q, %v; it was %q", after, err, before)
	}
	if got, err := s.ReadState("key"); string(got) != "value" || err != nil {
		t.Errorf("the key is %q, %v", got, err)
	}
}
