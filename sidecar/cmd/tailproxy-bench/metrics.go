package main

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// What test/bench/client.c has.
const (
	workers     = 50
	messageSize = 64
	blockSize   = 256 << 10
	megabyte    = 1_000_000
)

// lostAfter is how long an answer is waited for.
const lostAfter = 10 * time.Second

// streams is how many up8 and down8 have.
const streams = 8

type dialer func() (net.Conn, error)

// metrics are the measurements of test/bench/client.c, in its units.
func metrics() map[string]func(d dialer, amount int) (float64, error) {
	return map[string]func(dialer, int) (float64, error){
		"connect":  connects,
		"first":    firstBytes,
		"parallel": parallelConnects,
		"rtt":      roundTrips,
		"up":       up,
		"down":     down,
		"up8":      parallelStreams(up),
		"down8":    parallelStreams(down),
	}
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func connects(d dialer, amount int) (float64, error) {
	took := make([]float64, amount)
	for i := range took {
		start := time.Now()
		conn, err := d()
		if err != nil {
			return 0, err
		}
		took[i] = microseconds(time.Since(start))
		conn.Close()
	}
	return median(took), nil
}

// firstBytes measures from before the dial to the first byte that comes back.
func firstBytes(d dialer, amount int) (float64, error) {
	took := make([]float64, amount)
	message := make([]byte, 1)
	for i := range took {
		start := time.Now()
		conn, err := d()
		if err != nil {
			return 0, err
		}
		_, err = conn.Write(message)
		if err == nil {
			_, err = io.ReadFull(conn, message)
		}
		took[i] = microseconds(time.Since(start))
		conn.Close()
		if err != nil {
			return 0, err
		}
	}
	return median(took), nil
}

func parallelConnects(d dialer, amount int) (float64, error) {
	var group sync.WaitGroup
	failures := make(chan error, workers)
	start := time.Now()
	for range workers {
		group.Go(func() {
			for range amount / workers {
				conn, err := d()
				if err != nil {
					failures <- err
					return
				}
				conn.Close()
			}
		})
	}
	group.Wait()
	elapsed := time.Since(start)
	select {
	case err := <-failures:
		return 0, err
	default:
		return float64(amount/workers*workers) / elapsed.Seconds(), nil
	}
}

func roundTrips(d dialer, amount int) (float64, error) {
	conn, err := d()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	message := make([]byte, messageSize)
	took := make([]float64, amount)
	for i := range took {
		start := time.Now()
		if _, err := conn.Write(message); err != nil {
			return 0, err
		}
		// A datagram may be lost.
		if err := conn.SetReadDeadline(start.Add(lostAfter)); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(conn, message); err != nil {
			return 0, err
		}
		took[i] = microseconds(time.Since(start))
	}
	return median(took), nil
}

func up(d dialer, amount int) (float64, error) {
	conn, err := d()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	block := make([]byte, blockSize)
	start := time.Now()
	for left := amount * megabyte; left > 0; {
		n, err := conn.Write(block)
		if err != nil {
			return 0, err
		}
		left -= n
	}
	// Not before the peer has it all: the discard server closes when we have. Without that the figure would be
	// of what fits into buffers.
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return 0, fmt.Errorf("a %T cannot end one direction, so that what has arrived is not known", conn)
	}
	if err := half.CloseWrite(); err != nil {
		return 0, err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return 0, err
	}
	return float64(amount*megabyte) * 8 / microseconds(time.Since(start)), nil
}

func down(d dialer, amount int) (float64, error) {
	conn, err := d()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	block := make([]byte, blockSize)
	start := time.Now()
	for left := amount * megabyte; left > 0; {
		n, err := conn.Read(block)
		if err != nil {
			return 0, err
		}
		left -= n
	}
	return float64(amount*megabyte) * 8 / microseconds(time.Since(start)), nil
}

// parallelStreams carries the amount in equal parts at once, and takes the time until the last part is through.
func parallelStreams(stream func(dialer, int) (float64, error)) func(dialer, int) (float64, error) {
	return func(d dialer, amount int) (float64, error) {
		each := max(1, amount/streams)
		var group errgroup.Group
		start := time.Now()
		for range streams {
			group.Go(func() error {
				_, err := stream(d, each)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
		return float64(each*streams*megabyte) * 8 / microseconds(time.Since(start)), nil
	}
}
