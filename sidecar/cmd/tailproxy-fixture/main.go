// Command tailproxy-fixture is what tests against a control server of another make need beside it.
//
//	tailproxy-fixture relay
//	tailproxy-fixture exit-node
//
// relay serves DERP and STUN on loopback, and prints its DERP map as JSON.
// exit-node reads a line of JSON, {"controlUrl", "hostname", "authKey"}, joins as an exit node that answers for the
// addresses of TEST-NET-2 (RFC 5737) and no others, and prints {"name", "addresses"}.
//
// Either ends with its standard input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func main() {
	lab.ApplyEnvironment()
	if err := run(os.Args[1:], bufio.NewReader(os.Stdin)); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "tailproxy-fixture:", err)
		os.Exit(1)
	}
}

func run(args []string, input *bufio.Reader) error {
	if len(args) == 1 && args[0] == "relay" {
		return relay(untilEnd(input))
	}
	if len(args) == 1 && args[0] == "exit-node" {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("reading the settings: %w", err)
		}
		var settings exitNodeSettings
		if err := json.Unmarshal(line, &settings); err != nil {
			return fmt.Errorf("reading the settings: %w", err)
		}
		return exitNode(untilEnd(input), settings)
	}
	return errors.New("usage: tailproxy-fixture relay | exit-node")
}

// untilEnd returns a context that ends with input.
func untilEnd(input io.Reader) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, input)
		cancel()
	}()
	return ctx
}
