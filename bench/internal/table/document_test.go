package table

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceInKeepsTheRestOfTheDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(path, []byte("a\nBEGIN\nold\nEND\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"new\n", "", "again\n"} {
		if err := ReplaceIn(path, "BEGIN", "END", text); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "a\nBEGIN\n"+text+"END\nb\n" {
			t.Errorf("document %q, %v", got, err)
		}
	}
}

func TestReplaceInNeedsBothLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	for _, text := range []string{"", "BEGIN\n", "END\nBEGIN\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ReplaceIn(path, "BEGIN", "END", "new\n"); err == nil {
			t.Errorf("the generated part of %q is replaced", text)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%q has become %q", text, got)
		}
	}
	if err := ReplaceIn(filepath.Join(t.TempDir(), "missing"), "a", "b", ""); err == nil {
		t.Error("a file that does not exist is changed")
	}
}
