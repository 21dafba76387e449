package labrole_test

import (
	"testing"

	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

func TestDecidesWhoMayBeOnTheTailnet(t *testing.T) {
	c, _ := startRole(t)
	if _, err := try[message.Empty](t, c, message.MethodExpireKeys, message.ExpireKeys{Expired: true}); message.CodeOf(err) != message.NotConnected {
		t.Errorf("before the start it gave %v", err)
	}
	if _, err := try[message.StartLabResult](t, c, message.MethodStartLab, message.StartLab{RequireAuth: true, RequireApproval: true, AuthKey: "tskey-auth-lab"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method string
		params any
		code   message.Code
	}{
		{message.MethodCompleteAuth, message.CompleteAuth{URL: "http://127.0.0.1:1/auth/nobody"}, message.NoSuchHost},
		{message.MethodApprove, message.Approve{Node: "nobody"}, message.NoSuchHost},
		{message.MethodApprove, message.Approve{Node: "hello"}, ""},
		{message.MethodExpireKeys, message.ExpireKeys{Expired: true}, ""},
		{message.MethodStopControl, message.Empty{}, ""},
		{message.MethodStopControl, message.Empty{}, ""},
		{message.MethodAddNode, message.AddNode{Name: "late"}, message.NotConnected},
		{message.MethodStartControl, message.Empty{}, ""},
		{message.MethodStartControl, message.Empty{}, ""},
	} {
		_, err := try[message.Empty](t, c, tt.method, tt.params)
		if tt.code == "" && err != nil || tt.code != "" && message.CodeOf(err) != tt.code {
			t.Errorf("%s gave %v; want %q", tt.method, err, tt.code)
		}
	}
}
