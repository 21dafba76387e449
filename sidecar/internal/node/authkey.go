package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

// An OAuth client secret makes auth keys: https://tailscale.com/kb/1215/oauth-clients. tsnet takes one as well, but waits for
// Tailscale's API as long as that likes, holds its lock meanwhile, and tells refusals from outages by their text only.
const (
	clientSecretPrefix = "tskey-client-"
	// apiURL is where keys are made unless the secret says otherwise.
	apiURL   = "https://api.tailscale.com"
	apiLimit = 30 * time.Second
	apiBytes = 1 << 20
)

// checkKey refuses what cannot be a key before anything is sent.
func checkKey(key string, tags []string) error {
	switch {
	case strings.ContainsAny(key, " \t\r\n"):
		return message.Errorf(message.Denied, "the auth key has white space in it")
	case strings.HasPrefix(key, clientSecretPrefix) && len(tags) == 0:
		return message.Errorf(message.Denied,
			"an OAuth client secret logs only tagged nodes in, and no tag was given; give one that its client may set, such as tag:server")
	}
	return nil
}

// authKey returns the key to log in with, which may have to be made first.
func (n *Node) authKey(ctx context.Context, key string) (string, error) {
	n.secrets.add(key)
	if err := checkKey(key, n.options.Tags); err != nil {
		return "", err
	}
	if !strings.HasPrefix(key, clientSecretPrefix) {
		return key, nil
	}
	secret, err := parseClientSecret(key, n.options.Ephemeral)
	if err != nil {
		return "", err
	}
	n.secrets.add(secret.secret)
	ctx, cancel := context.WithTimeoutCause(ctx, apiLimit, message.Errorf(message.TimedOut,
		"%s did not make an auth key within %v", secret.base.Host, apiLimit))
	defer cancel()
	made, err := secret.makeKey(ctx, n.options.Tags)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return "", err
	}
	n.secrets.add(made)
	return made, nil
}

// clientSecret is `tskey-client-…?ephemeral=BOOL&preauthorized=BOOL&baseURL=URL`, as Tailscale's own programs take it.
type clientSecret struct {
	secret                   string
	ephemeral, preauthorized bool
	base                     *url.URL
}

func parseClientSecret(text string, ephemeral bool) (clientSecret, error) {
	parsed := clientSecret{ephemeral: ephemeral}
	text, named, _ := strings.Cut(text, "?")
	parsed.secret = text
	attributes, err := url.ParseQuery(named)
	if err != nil {
		return parsed, message.Errorf(message.Denied, "what follows ? in the OAuth client secret is no list of attributes")
	}
	base := apiURL
	for name := range attributes {
		value := attributes.Get(name)
		switch name {
		case "ephemeral":
			parsed.ephemeral, err = strconv.ParseBool(value)
		case "preauthorized":
			parsed.preauthorized, err = strconv.ParseBool(value)
		case "baseURL":
			base = value
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return parsed, message.Errorf(message.Denied,
				"the OAuth client secret has an attribute that is not right; allowed are ephemeral=BOOL, preauthorized=BOOL and baseURL=URL")
		}
	}
	parsed.base, err = url.Parse(base)
	if err != nil || parsed.base.Host == "" {
		return parsed, message.Errorf(message.Denied, "the baseURL of the OAuth client secret is no URL")
	}
	return parsed, nil
}

// makeKey makes a key that is good for one node with these tags.
func (s clientSecret) makeKey(ctx context.Context, tags []string) (string, error) {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_secret": {s.secret}}
	// The client's id is part of its secret; RFC 6749 wants some.
	form.Set("client_id", "tailproxy")
	err := s.post(ctx, "/api/v2/oauth/token", "application/x-www-form-urlencoded", form.Encode(), "", &token)
	if err != nil {
		return "", err
	}
	type create struct {
		Reusable      bool     `json:"reusable"`
		Ephemeral     bool     `json:"ephemeral"`
		Preauthorized bool     `json:"preauthorized"`
		Tags          []string `json:"tags"`
	}
	var wanted struct {
		Capabilities struct {
			Devices struct {
				Create create `json:"create"`
			} `json:"devices"`
		} `json:"capabilities"`
	}
	wanted.Capabilities.Devices.Create = create{Ephemeral: s.ephemeral, Preauthorized: s.preauthorized, Tags: tags}
	body, err := json.Marshal(wanted)
	if err != nil {
		return "", err
	}
	var made struct {
		Key string `json:"key"`
	}
	if err := s.post(ctx, "/api/v2/tailnet/-/keys", "application/json", string(body), token.AccessToken, &made); err != nil {
		return "", err
	}
	if made.Key == "" {
		return "", message.Errorf(message.Denied, "%s made no auth key for the OAuth client", s.base.Host)
	}
	return made.Key, nil
}

// post asks for JSON. No error has what was sent, nor what a refusal quotes of it.
func (s clientSecret) post(ctx context.Context, path, kind, body, token string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base.JoinPath(path).String(), strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", kind)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s for an auth key: %w", s.base.Host, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, apiBytes))
	if err != nil {
		return fmt.Errorf("asking %s for an auth key: %w", s.base.Host, err)
	}
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return message.Errorf(message.Denied, "%s refused the OAuth client secret; it may have been revoked", s.base.Host)
	case response.StatusCode >= 400 && response.StatusCode < 500:
		return message.Errorf(message.Denied, "%s makes no auth key with this OAuth client secret (HTTP %d: %s); its client needs the scope auth_keys and the tags",
			s.base.Host, response.StatusCode, reasonIn(text))
	case response.StatusCode != http.StatusOK:
		return message.Errorf(message.Unreachable, "%s made no auth key: HTTP %d", s.base.Host, response.StatusCode)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return message.Errorf(message.Internal, "%s answered with no JSON of the expected shape", s.base.Host)
	}
	return nil
}

// reasonIn returns the message of an error of Tailscale's API.
func reasonIn(body []byte) string {
	var refusal struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.Message == "" {
		return "no reason given"
	}
	return fmt.Sprintf("%.200s", refusal.Message)
}
