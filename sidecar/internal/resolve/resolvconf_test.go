package resolve

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseResolvConf(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       resolvSettings
	}{
		{
			name: "all that counts",
			text: "# a comment\n; another\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # more\nnameserver fe80::1%eth0\nnameserver 192.0.2.4\n" +
				"search a.example B.Example.\noptions ndots:2 timeout:3 attempts:4 rotate edns0\n",
			want: resolvSettings{
				servers: addrs("192.0.2.1", "2001:db8::1", "fe80::1%eth0", "192.0.2.4"), search: []string{"a.example", "b.example"},
				ndots: 2, timeout: 3 * time.Second, attempts: 4,
			},
		},
		{
			name: "limits, and the last of search and domain",
			text: "search a.example\ndomain b.example c.example\noptions ndots:99 timeout:99 attempts:99\noptions timeout:x attempts:-1 ndots\n",
			want: resolvSettings{servers: addrs("127.0.0.1", "::1"), search: []string{"b.example"}, ndots: 15, timeout: 30 * time.Second, attempts: 5},
		},
		{
			name: "what is not understood",
			text: "nameserver\nnameserver name.example\n nameserver 192.0.2.1\nnameservers 192.0.2.1\nNAMESERVER 192.0.2.1\nsearch .\nnameserver 1.2.3.4.5\nnameserver 1.2.3.256\n",
			want: resolvSettings{servers: addrs("127.0.0.1", "::1"), ndots: 1, timeout: 5 * time.Second, attempts: 2},
		},
		{
			name: "addresses as inet_aton takes them",
			text: "search .\nnameserver 127.1\nnameserver 0x7f.0.0.53\nnameserver 3221225985\nnameserver 010.0.0.1",
			want: resolvSettings{servers: addrs("127.0.0.1", "127.0.0.53", "192.0.2.1", "8.0.0.1"), ndots: 1, timeout: 5 * time.Second, attempts: 2},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := parseResolvConf(strings.NewReader(tt.text))
			if !slices.Equal(got.servers, tt.want.servers) || !slices.Equal(got.search, tt.want.search) ||
				got.ndots != tt.want.ndots || got.timeout != tt.want.timeout || got.attempts != tt.want.attempts {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestResolversFollowTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		conf := NewResolvConf(path)
		expect := func(what string, want ...string) {
			t.Helper()
			if got := conf.Resolvers(); !slices.Equal(got, addrs(want...)) {
				t.Errorf("%s: %v", what, got)
			}
			time.Sleep(resolvConfAge)
		}
		expect("without a file", "127.0.0.1", "::1")
		write("nameserver 192.0.2.1\nnameserver fe80::1%lo\nnameserver ::ffff:192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.1\n")
		expect("all, each once", "192.0.2.1", "fe80::1", "192.0.2.2", "192.0.2.3")
		if !conf.IsResolver(netip.MustParseAddr("::ffff:192.0.2.3")) || conf.IsResolver(netip.MustParseAddr("192.0.2.9")) {
			t.Error("the third is none, or a stranger is one")
		}
		time.Sleep(resolvConfAge)
		write("nameserver 192.0.2.44\n")
		expect("when it changed", "192.0.2.44")
		_, before := conf.get()
		time.Sleep(resolvConfAge)
		if _, after := conf.get(); after != before {
			t.Error("the same file is another version")
		}
		time.Sleep(resolvConfAge)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expect("when it is gone", "127.0.0.1", "::1")
	})
}

func FuzzParseResolvConf(f *testing.F) {
	f.Add("nameserver 127.0.0.53\nsearch a b\noptions ndots:1\n")
	f.Add("nameserver 1.2.3\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := parseResolvConf(strings.NewReader(text))
		if len(got.servers) == 0 || len(got.search) > maxSearch || got.timeout <= 0 || got.attempts < 1 {
			t.Errorf("got %+v", got)
		}
		for _, server := range got.servers {
			if !server.IsValid() {
				t.Errorf("%q has the server %v", text, server)
			}
		}
	})
}
