package lint

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// FuzzLint lints arbitrary input and writes the findings in every format. An error is allowed, a
// panic is not.
func FuzzLint(f *testing.F) {
	for _, pattern := range []string{"testdata/*/bad.yaml", "testdata/*.yaml",
		"../inject/testdata/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in := NewInventory(Options{LBDelay: 1})
		if err := in.ReadFiles([]string{"-"}, false, bytes.NewReader(text)); err != nil {
			return
		}
		findings := in.Lint()
		for _, format := range Formats {
			if err := (Report{Findings: findings}).Write(io.Discard, format); err != nil {
				t.Fatal(err)
			}
		}
		for _, found := range findings {
			if found.Line < 1 && found.Object != (Object{}) {
				t.Errorf("no line: %+v", found)
			}
		}
	})
}
