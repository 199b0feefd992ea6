package h1_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// banned are the packages, with all below them, that h1 must not import, each with its reason.
var banned = map[string]string{
	"net":      "bytes are handed in; a parser that reads by itself cannot be tested split by split",
	"os":       "no file and no environment decides where a message ends",
	"time":     "deadlines are the relay's; the same bytes end at the same place at any time",
	"log":      "an Error tells the reason; who refuses the message logs it",
	"sync":     "a Body belongs to one direction of one connection",
	"context":  "nothing here waits, so there is nothing to cancel",
	"io":       "bytes stay where they are; a Reader would copy them and hold a buffer for a connection that waits",
	"fmt":      "the hot path allocates nothing",
	"lameduck": "h1 is a leaf: others import it",
}

func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source files: %v", err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			expectImports(t, file)
		}
	}
}

func expectImports(t *testing.T, file string) {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range source.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		top, _, _ := strings.Cut(path, "/")
		if reason, is := banned[top]; is {
			t.Errorf("%s imports %s: %s", file, path, reason)
		}
	}
}
