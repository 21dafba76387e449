package nearest

import (
	"slices"
	"testing"
)

func TestTheNearestNamesComeFirst(t *testing.T) {
	names := []string{"berlin", "berlin-2", "bern", "paris", "dc"}
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"berlni", []string{"berlin", "bern"}},
		{"berlin-1", []string{"berlin-2", "berlin"}},
		{"ber", []string{"bern"}},
		{"parsi", []string{"paris"}},
		{"xy", nil},
		{"", nil},
	} {
		if got := Names(tt.text, names); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q", tt.text, got)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"abc", "abc", 0}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q are %d apart", tt.a, tt.b, got)
		}
	}
}
