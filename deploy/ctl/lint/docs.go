package lint

import (
	"fmt"
	"strings"
)

// Documentation is the table of the rules and what each is about, in Markdown.
func Documentation() string {
	var b strings.Builder
	b.WriteString("| rule | severity | what is wrong |\n| --- | --- | --- |\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %v | %s |\n", r.ID, r.ID, r.Severity, r.Title)
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", r.ID, strings.TrimSpace(r.Explanation))
	}
	return b.String()
}
