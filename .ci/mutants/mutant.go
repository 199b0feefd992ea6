package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A mutant is a change of the source that breaks a promise.
type mutant struct {
	promise  string // what is not true any more
	file     string // path within the module
	old, new string // the text that is replaced, exactly once in the file, and what replaces it
	tests    string // regular expression of the tests that are to fail
	in       string // directory of those tests; empty: the file's own
}

// dir is the directory of the package whose tests are to fail.
func (m *mutant) dir() string {
	if m.in != "" {
		return m.in
	}
	return path.Dir(m.file)
}

// An edit is a change of one file.
type edit struct{ file, old, new string }

// shortPatience lets tests give up soon: what a broken program does not bring need not be waited for as long as what a busy
// machine delays. Whatever the constant is, none of it is left.
var shortPatience = edit{"cmd/lameduck/harness_test.go", "const patience = ", "const patience = 5*time.Second + 0*"}

// edits are the changes that the compiler gets.
func (m *mutant) edits() []edit {
	edits := []edit{{m.file, m.old, m.new}}
	if m.dir() == "cmd/lameduck" {
		edits = append(edits, shortPatience)
	}
	return edits
}

// overlay writes the changed files to dir and returns the path of the file that names them to the compiler.
func (m *mutant) overlay(root, dir string) (string, error) {
	replace := make(map[string]string)
	for i, e := range m.edits() {
		text, err := e.apply(root)
		if err != nil {
			return "", err
		}
		changed := filepath.Join(dir, fmt.Sprintf("%d_%s", i, path.Base(e.file)))
		if err := os.WriteFile(changed, text, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, e.file)] = changed
	}
	names, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, names, 0o644)
}

// apply returns the file with the change in it.
func (e edit) apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, e.file))
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(text), e.old); n != 1 {
		return nil, fmt.Errorf("%s has this text %d times, want once: %s", e.file, n, e.old)
	}
	return []byte(strings.Replace(string(text), e.old, e.new, 1)), nil
}
