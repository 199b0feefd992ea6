package deploytest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "update the golden files")

// ExpectGolden compares a text with a golden file, or writes the file with -update.
func ExpectGolden(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		WriteFile(t, path, got)
	}
	if want := ReadFile(t, path); got != want {
		t.Errorf("the result differs from %s: run the test with -update and see git diff. Got:\n%s", path, got)
	}
}

// ReadFile returns the text of a file.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// WriteFile writes a file, and creates its directory.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
