package jsonfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadReturnsWhatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it.json")
	if _, err := Read[[]int](path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file is %v", err)
	}
	if err := Write(path, []int{1, 2}); err != nil {
		t.Fatal(err)
	}
	if got, err := Read[[]int](path); err != nil || len(*got) != 2 || (*got)[1] != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	text, err := os.ReadFile(path)
	if want := "[\n  1,\n  2\n]\n"; err != nil || string(text) != want {
		t.Errorf("file %q, want %q", text, want)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read[[]int](path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken file is %v", err)
	}
	if err := Write(path, func() {}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a function is encoded with %v", err)
	}
}
