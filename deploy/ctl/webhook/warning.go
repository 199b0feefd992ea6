package webhook

import (
	"strings"
	"unicode"
)

// The API server truncates each warning to 256 bytes if all of them together exceed 4,096 bytes.
const (
	maxWarnings = 8
	maxWarning  = 256
)

// cleanWarnings returns warnings that fit into a header field: valid UTF-8 on one line, and not too
// long.
func cleanWarnings(warnings []string) []string {
	if len(warnings) > maxWarnings {
		warnings = warnings[:maxWarnings]
	}
	var clean []string
	for _, w := range warnings {
		w = strings.ToValidUTF8("lameduck: "+w, "?")
		w = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, w)
		clean = append(clean, shorten(w))
	}
	return clean
}

// shorten truncates a warning at a character boundary.
func shorten(w string) string {
	const dots = "..."
	if len(w) <= maxWarning {
		return w
	}
	return strings.ToValidUTF8(w[:maxWarning-len(dots)], "") + dots
}
