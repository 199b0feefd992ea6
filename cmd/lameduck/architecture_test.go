package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheArchitecturePageNamesWhatExists keeps docs/architecture.md true to the code: every Go name
// in it that is qualified or a method is declared somewhere below proxy, lifecycle or cmd/lameduck.
func TestTheArchitecturePageNamesWhatExists(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	source := sourceText(t, root, "proxy", "lifecycle", filepath.Join("cmd", "lameduck"))
	names := regexp.MustCompile("`([A-Za-z0-9]+)\\.([A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	if len(names) < 20 {
		t.Fatalf("the page names %d functions, want at least 20", len(names))
	}
	for _, n := range names {
		method := regexp.MustCompile(`func \(\w* ?\*?` + n[1] + `\) ` + n[2] + `\(`)
		function := regexp.MustCompile(`(?s)package ` + n[1] + `\n.*func ` + n[2] + `\(`)
		declared := regexp.MustCompile(`type ` + n[1] + ` interface \{(?s:[^}]*)\b` + n[2] + `\(`)
		if !method.MatchString(source) && !function.MatchString(source) && !declared.MatchString(source) {
			t.Errorf("docs/architecture.md names %s.%s, which is not declared", n[1], n[2])
		}
	}
}

// sourceText returns the Go source below some directories.
func sourceText(t *testing.T, root string, dirs ...string) string {
	t.Helper()
	var text strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			b, err := os.ReadFile(path)
			text.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}
