package webhook

import (
	"strings"
	"unicode"
)

// The API server shortens warnings once all of them together have 4,096 bytes, to 256 each.
const (
	maxWarnings = 8
	maxWarning  = 256
)

// presentable returns warnings as the API server can pass them on, in a header field: of one line, of valid UTF-8, and not too long.
func presentable(warnings []string) []string {
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

// shorten cuts a warning between two characters.
func shorten(w string) string {
	const dots = "..."
	if len(w) <= maxWarning {
		return w
	}
	return strings.ToValidUTF8(w[:maxWarning-len(dots)], "") + dots
}
