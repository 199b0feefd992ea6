package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// The comment of package main has the command lines of lameduck --help.
func TestDocListsTheCommandLines(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	documented, printed := commandLines(string(doc)), commandLines(usage)
	if len(printed) == 0 || !slices.Equal(documented, printed) {
		t.Errorf("doc.go has the command lines\n%q\n--help has\n%q", documented, printed)
	}
}

// commandLines returns the command lines in a text, each without its explanation.
func commandLines(text string) []string {
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^(?://\t|  )(lameduck .*?)(?:  .*)?$`).FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	return lines
}
