package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func relay(ctx context.Context) error {
	r, err := lab.StartRelay()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := json.NewEncoder(os.Stdout).Encode(r.DERPMap()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
