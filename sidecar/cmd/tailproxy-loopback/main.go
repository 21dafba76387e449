// Command tailproxy-loopback serves a dial socket without a tailnet: the sidecar's own packages for that, with servers on
// loopback behind them. The preload library's tests run against it.
//
// It reads its settings as one line of JSON from stdin, prints what happens as lines of JSON, and ends with stdin. Each later
// line of stdin replaces the settings that it has.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tailproxy-loopback:", err)
		os.Exit(1)
	}
}

// maxLine bounds one line of settings, in bytes.
const maxLine = 16 << 20

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return errors.Join(errors.New("there are no settings on stdin"), lines.Err())
	}
	s, err := start(lines.Bytes(), &events{out: out})
	if err != nil {
		return err
	}
	defer s.close()
	for lines.Scan() {
		if err := s.settings.update(lines.Bytes()); err != nil {
			return err
		}
		if err := s.visit(); err != nil {
			return err
		}
	}
	return lines.Err()
}
