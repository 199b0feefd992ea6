package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteUsage writes the variables for --help.
func WriteUsage(w io.Writer) error {
	for _, v := range table {
		heading := v.Name
		if v.Default != "" {
			heading += " (default " + v.Default + ")"
		}
		if _, err := fmt.Fprintf(w, "  %s\n%s", heading, wrap(v.Usage, "        ", 92)); err != nil {
			return err
		}
	}
	return nil
}

// MarkdownRows returns the rows of the table in the documentation.
func MarkdownRows() string {
	var b strings.Builder
	for _, v := range table {
		preset := "none"
		if v.Default != "" {
			preset = "`" + v.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, preset, strings.ReplaceAll(v.Usage, "|", `\|`))
	}
	return b.String()
}

// wrap breaks a text into indented lines of at most some columns, where its words allow that.
func wrap(text, indent string, columns int) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+len(word)+1 > columns && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
	return b.String()
}
