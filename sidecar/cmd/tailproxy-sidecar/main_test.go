package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tailproxy/tailproxy/sidecar/internal/channel"
	"github.com/tailproxy/tailproxy/sidecar/internal/message"
)

const beMain = "TAILPROXY_TEST_BE_MAIN"

// TestMain lets the test binary be the program under test.
func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), beMain+"=1")
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

func TestByHand(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	tests := []struct {
		name string
		args []string
		fd3  *os.File
	}{
		{"no-arguments", nil, nil},
		{"unknown-role", []string{"exit"}, nil},
		{"no-channel", []string{"lab"}, nil},
		{"channel-is-not-a-socket", []string{"node"}, null},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd, stdout, stderr := command(t, tt.args...)
			if tt.fd3 != nil {
				cmd.ExtraFiles = []*os.File{tt.fd3}
			}
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != exitUsage {
				t.Errorf("it exits with %d", code)
			}
			if stdout.Len() != 0 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "run tailproxy instead") {
				t.Errorf("it says %q and %q", stdout, stderr)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	cmd, stdout, _ := command(t, "version")
	if err := cmd.Run(); err != nil || !strings.HasPrefix(stdout.String(), "tailproxy-sidecar ") {
		t.Errorf("%q, %v", stdout, err)
	}
}

func TestSession(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, cmd *exec.Cmd, driver *channel.Conn, raw *os.File)
		code int
		says string
	}{
		{"stop", func(t *testing.T, _ *exec.Cmd, driver *channel.Conn, _ *os.File) {
			call[message.Empty](t, driver, message.MethodStop, message.Empty{})
		}, 0, ""},
		{"driver-goes", func(_ *testing.T, _ *exec.Cmd, driver *channel.Conn, _ *os.File) { driver.End(nil) }, 0, ""},
		{"terminated", func(_ *testing.T, cmd *exec.Cmd, _ *channel.Conn, _ *os.File) {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}, 0, ""},
		{"interrupted", func(_ *testing.T, cmd *exec.Cmd, _ *channel.Conn, _ *os.File) {
			_ = cmd.Process.Signal(syscall.SIGINT)
		}, 0, ""},
		{"protocol-error", func(_ *testing.T, _ *exec.Cmd, _ *channel.Conn, raw *os.File) {
			_, _ = io.WriteString(raw, "nonsense\n")
		}, exitFailure, "protocol error on the channel"},
	}
	for _, tt := range tests {
		for _, role := range []message.Role{message.RoleLab, message.RoleNode} {
			t.Run(tt.name+"-"+string(role), func(t *testing.T) {
				near, far := socketPair(t)
				cmd, stdout, stderr := command(t, string(role))
				cmd.ExtraFiles = []*os.File{far}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				far.Close()
				driver := channel.New(near)
				go driver.Serve(t.Context())
				hello := call[message.HelloResult](t, driver, message.MethodHello, message.Hello{Protocol: 1, Driver: "test"})
				if hello.Role != role || hello.PID != message.Limit(cmd.Process.Pid) {
					t.Errorf("hello is %+v", hello)
				}
				if role == message.RoleLab {
					call[message.StartLabResult](t, driver, message.MethodStartLab, message.StartLab{})
				}
				tt.end(t, cmd, driver, near)
				late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
				_ = cmd.Wait()
				late.Stop()
				if code := cmd.ProcessState.ExitCode(); code != tt.code {
					t.Errorf("it exits with %d; want %d", code, tt.code)
				}
				if stdout.Len() != 0 || !strings.Contains(stderr.String(), tt.says) || tt.says == "" && stderr.Len() != 0 {
					t.Errorf("it says %q and %q; want %q", stdout, stderr, tt.says)
				}
			})
		}
	}
}

func call[R any](t *testing.T, c *channel.Conn, method string, params any) R {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	result, err := channel.Call[R](ctx, c, method, params)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return result
}

func socketPair(t *testing.T) (near, far *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	near, far = os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}
