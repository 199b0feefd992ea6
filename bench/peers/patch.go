package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A patch is a list of changes to a copy of a module before it is built.
type patch []change

// A change replaces a text, which must occur in the file exactly once, by another. A change without
// an old text adds the file.
type change struct{ file, old, new string }

// copy copies a module from the module cache to a directory, changes the copy and returns its
// directory.
func (p patch) copy(from, to string) (string, error) {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return "", fmt.Errorf("copy the module: %w", err)
	}
	for _, c := range p {
		if err := c.apply(to); err != nil {
			return "", fmt.Errorf("patch %s: %w", c.file, err)
		}
	}
	return to, nil
}

func (c change) apply(dir string) error {
	path := filepath.Join(dir, c.file)
	if c.old == "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(c.new), 0o644)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), c.old); n != 1 {
		return fmt.Errorf("%q occurs %d times, want once: see what the new version has instead", c.old, n)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o644)
}
