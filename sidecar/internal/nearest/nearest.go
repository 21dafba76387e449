// Package nearest finds the name that somebody has meant.
package nearest

import (
	"cmp"
	"slices"
)

// maxNear is how many names are proposed.
const maxNear = 3

// Names returns the names that text may have been meant for, the nearest first.
func Names(text string, names []string) []string {
	// One typing error in three letters, two in a short word.
	limit := max(2, len(text)/3)
	far := map[string]int{}
	for _, name := range names {
		if d := distance(text, name); d <= limit && d < len(name) {
			far[name] = d
		}
	}
	near := make([]string, 0, len(far))
	for name := range far {
		near = append(near, name)
	}
	slices.SortFunc(near, func(a, b string) int { return cmp.Or(cmp.Compare(far[a], far[b]), cmp.Compare(a, b)) })
	return near[:min(len(near), maxNear)]
}

// distance is Levenshtein's: how many bytes are to be changed, added and left out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
