// Package version says which build this is.
package version

import (
	"runtime/debug"
	"strings"
)

// number is set by the linker (-X) when a release is built.
var number = "0.0.0-dev"

// Sidecar returns the version of this program.
func Sidecar() string { return number }

// Tailscale returns the version of tailscale.com this was built with, without its v.
func Tailscale() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == "tailscale.com" {
			return strings.TrimPrefix(dep.Version, "v")
		}
	}
	return "unknown"
}
