package lint

import (
	"fmt"
	"strings"
)

// Documentation returns the table of the rules and their explanations, in Markdown.
func Documentation() string {
	var b strings.Builder
	b.WriteString("| rule | severity | problem |\n| --- | --- | --- |\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %v | %s |\n", r.ID, r.ID, r.Severity, r.Title)
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", r.ID, r.Text())
	}
	return b.String()
}
