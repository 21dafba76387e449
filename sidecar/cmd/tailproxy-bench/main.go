// Command tailproxy-bench is the yardstick of `pnpm bench`: what test/bench/client.c measures of a wrapped
// program, measured of a bare tsnet.Dial.
//
//	tailproxy-bench dial CONTROL-URL connect|first|parallel|rtt|rtt-udp|up|down|up8|down8 HOST PORT AMOUNT
//	tailproxy-bench pauses CONTROL-URL HOST PORT SECONDS,…
//	tailproxy-bench listen CONTROL-URL
//	tailproxy-bench serve
//
// pauses prints the milliseconds of a fresh node's first connect, and of one after each pause, as JSON.
// listen serves the lab's services by a bare tsnet.Listen and prints its address as JSON.
// serve runs the lab's services on loopback and prints their ports, by the service's own port, as JSON.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "tailproxy-bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve(ctx)
	case len(args) == 2 && args[0] == "listen":
		return listen(ctx, args[1])
	case len(args) == 5 && args[0] == "pauses":
		return pauses(ctx, args[1], args[2], args[3], args[4])
	case len(args) == 6 && args[0] == "dial":
		return dial(ctx, args[1], args[2], args[3], args[4], args[5])
	}
	return errors.New("usage: tailproxy-bench serve | listen CONTROL-URL | pauses CONTROL-URL HOST PORT SECONDS,… | dial CONTROL-URL METRIC HOST PORT AMOUNT")
}
