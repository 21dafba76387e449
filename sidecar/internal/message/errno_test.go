package message_test

import (
	"encoding/json"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestEveryCodeHasTheErrnoOfTheTable(t *testing.T) {
	raw, err := os.ReadFile("../../../packages/sidecar/vectors/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Codes []struct {
			Code  message.Code `json:"code"`
			Errno string       `json:"errno"`
		} `json:"codes"`
	}
	if err := json.Unmarshal(raw, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Codes) != len(message.Codes()) {
		t.Errorf("the table has %d codes of %d", len(table.Codes), len(message.Codes()))
	}
	for _, row := range table.Codes {
		if got := unix.ErrnoName(row.Code.Errno()); got != row.Errno {
			t.Errorf("%s is %s; want %s", row.Code, got, row.Errno)
		}
	}
}
