package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTheDocumentationExplainsEveryWarning compares the table of messages in docs/operating.md with
// the warnings and errors that the program logs.
func TestTheDocumentationExplainsEveryWarning(t *testing.T) {
	root := filepath.Join("..", "..")
	logged := make(map[string]string) // by message: where it is logged
	for _, dir := range []string{"proxy", "lifecycle", filepath.Join("cmd", "lameduck")} {
		collectWarnings(t, filepath.Join(root, dir), logged)
	}
	if len(logged) < 15 {
		t.Fatalf("found %d warnings in the source, want at least 15", len(logged))
	}
	documented := documentedWarnings(t, filepath.Join(root, "docs", "operating.md"))
	for message, where := range logged {
		found := false
		for begin := range documented {
			if strings.HasPrefix(message, begin) {
				documented[begin], found = true, true
			}
		}
		if !found {
			t.Errorf("%s logs %q, which docs/operating.md does not explain", where, message)
		}
	}
	for begin, used := range documented {
		if !used {
			t.Errorf("docs/operating.md explains %q, which is not logged", begin)
		}
	}
}

// documentedWarnings returns the messages in the first column of the table.
func documentedWarnings(t *testing.T, page string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| message begins with |")
	table, _, _ = strings.Cut(table, "\n\n")
	messages := make(map[string]bool)
	for l := range strings.Lines(table) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(strings.Split(l, "|")[1], -1) {
			messages[m[1]] = false
		}
	}
	return messages
}

// collectWarnings adds the messages that the source below a directory logs at the levels warn and
// error, or at a level that it computes.
func collectWarnings(t *testing.T, dir string, logged map[string]string) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if message, ok := warning(n); ok {
				logged[message] = files.Position(n.Pos()).String()
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// warning returns the message that a call logs.
func warning(n ast.Node) (message string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	argument := map[string]int{"Warn": 0, "Error": 0, "Log": 1}
	i, ok := argument[method.Sel.Name]
	if !ok || len(call.Args) <= i {
		return "", false
	}
	return literal(call.Args[i])
}

// literal returns the text with which a concatenation of strings begins.
func literal(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, _ := literal(e.Y)
		return left + right, ok
	}
	return "", false
}
