// Package bench_test checks that the bench imports nothing of the program that it measures.
package bench_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The bench drives the binaries that users run, from outside, like their peers. Imported code could
// be measured differently, and tests could use what users cannot reach. Only the simulation of a
// million rollouts calls the decision itself, since a binary would be too slow for that.
func TestTheBenchImportsNothingThatItMeasures(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") {
			seen++
			expectOutside(t, path)
		}
		return err
	})
	if err != nil || seen < 2 {
		t.Errorf("%d files are seen, error %v", seen, err)
	}
}

// expectOutside checks that a file, even a test, imports nothing of this module but the bench.
func expectOutside(t *testing.T, file string) {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range source.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if filepath.Dir(file) == "hold/sim" && strings.HasPrefix(path, "lameduck/lifecycle") {
			continue
		}
		if strings.HasPrefix(path, "lameduck/") && !strings.HasPrefix(path, "lameduck/bench/") {
			t.Errorf("%s imports %s: the bench measures the binary, from outside", file, path)
		}
	}
}
