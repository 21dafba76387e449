package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// pauses measures connects by name: the first of a node that has just come up, and one after each pause.
func pauses(ctx context.Context, controlURL, host, port, list string) error {
	waits := []time.Duration{0}
	for text := range strings.SplitSeq(list, ",") {
		wait, err := time.ParseDuration(text + "s")
		if err != nil || wait < 0 {
			return fmt.Errorf("a pause is %q; allowed are seconds from 0", text)
		}
		waits = append(waits, wait)
	}
	server, leave, err := join(ctx, controlURL, "bench-pauses")
	if err != nil {
		return err
	}
	defer leave()
	took := make([]float64, len(waits))
	for i, wait := range waits {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		start := time.Now()
		conn, err := server.Dial(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			return err
		}
		took[i] = microseconds(time.Since(start)) / 1e3
		conn.Close()
	}
	return json.NewEncoder(os.Stdout).Encode(took)
}
