package lab_test

import (
	"net/http"
	"testing"

	"tailscale.com/ipn"
	"tailscale.com/tsnet"

	"github.com/tailproxy/tailproxy/sidecar/internal/lab"
)

func TestTags(t *testing.T) {
	l := startLab(t, lab.Options{})
	c := joinLab(t, l, "server", func(s *tsnet.Server) { s.AdvertiseTags = []string{"tag:server"} })
	local, err := c.LocalClient()
	if err != nil {
		t.Fatal(err)
	}
	status, err := local.StatusWithoutPeers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status.Self.Tags == nil || status.Self.Tags.At(0) != "tag:server" {
		t.Errorf("tags are %v", status.Self.Tags)
	}
}

func TestAuthKey(t *testing.T) {
	l := startLab(t, lab.Options{AuthKey: "tskey-auth-right"})
	joinLab(t, l, "friend", func(s *tsnet.Server) { s.AuthKey = "tskey-auth-right" })
}

func TestLogin(t *testing.T) {
	l := startLab(t, lab.Options{RequireAuth: true})
	joinLab(t, l, "friend", func(s *tsnet.Server) {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		local, err := s.LocalClient()
		if err != nil {
			t.Fatal(err)
		}
		watcher, err := local.WatchIPNBus(t.Context(), ipn.NotifyInitialState)
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		for {
			notify, err := watcher.Next()
			if err != nil {
				t.Fatal(err)
			}
			if notify.BrowseToURL != nil {
				fetch(t, http.DefaultClient, "GET", *notify.BrowseToURL, nil)
				return
			}
		}
	})
}
