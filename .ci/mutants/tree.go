package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A tree reads the files of the module at root, each once.
type tree struct {
	root string

	mu    sync.Mutex
	files map[string][]string // lines by path
	names []string            // paths of all Go files; nil before the first use
}

func newTree(root string) *tree { return &tree{root: root, files: make(map[string][]string)} }

// lines returns the lines of a file. The last one is empty if the file ends in a newline.
func (t *tree) lines(name string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lines, ok := t.files[name]; ok {
		return lines, nil
	}
	text, err := os.ReadFile(filepath.Join(t.root, name))
	if err != nil {
		return nil, err
	}
	t.files[name] = strings.Split(string(text), "\n")
	return t.files[name], nil
}

// goFiles returns the paths of all Go files outside tests and hidden directories.
func (t *tree) goFiles() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names != nil {
		return t.names
	}
	t.names = []string{}
	_ = filepath.WalkDir(t.root, func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return filepath.SkipDir // what cannot be read matches no patch
		case d.IsDir() && file != t.root && (strings.HasPrefix(name, ".") || name == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !isTest(name):
			rel, _ := filepath.Rel(t.root, file)
			t.names = append(t.names, filepath.ToSlash(rel))
		}
		return nil
	})
	return t.names
}

// siblings returns the other files of the package that file is in.
func (t *tree) siblings(file string) []string {
	var names []string
	for _, name := range t.goFiles() {
		if name != file && samePackage(name, file) {
			names = append(names, name)
		}
	}
	return names
}
