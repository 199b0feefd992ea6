package table

import (
	"fmt"
	"os"
	"strings"
)

// ReplaceIn replaces the generated part of a document, which is between two lines. The lines stay.
func ReplaceIn(path, begin, end, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("replace the generated part of a document: %w", err)
	}
	updated, err := between(string(document), begin+"\n", end+"\n", text)
	if err != nil {
		return fmt.Errorf("replace the generated part of %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

// between replaces the text between two lines.
func between(text, begin, end, replacement string) (string, error) {
	head, rest, found := strings.Cut(text, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("want the lines %q and %q", begin, end)
	}
	return head + begin + replacement + end + tail, nil
}
