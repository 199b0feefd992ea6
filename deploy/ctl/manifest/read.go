package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lameduck/deploy/ctl/yamledit"
)

// A File is the content of one file or of standard input.
type File struct {
	Name      string // path, or <stdin>
	Documents []*Document
}

// Stdin is the name of standard input.
const Stdin = "<stdin>"

// Read reads files, directories and, for "-", standard input. Of a directory it reads *.yaml, *.yml
// and *.json in alphabetical order, and no subdirectories.
func Read(paths []string, stdin io.Reader) ([]*File, error) {
	var files []*File
	for _, path := range paths {
		found, err := readPath(path, stdin)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

func readPath(path string, stdin io.Reader) ([]*File, error) {
	if path == "-" {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return parseFile(Stdin, text)
	}
	names, err := filesOf(path)
	if err != nil {
		return nil, err
	}
	var files []*File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parseFile(name, text)
		if err != nil {
			return nil, err
		}
		files = append(files, file...)
	}
	return files, nil
}

// filesOf returns the paths of a directory's manifests, or the path itself if it is not a
// directory.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() || !isManifest(e.Name())
	})
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s has no *.yaml, *.yml or *.json", path)
	}
	var names []string
	for _, e := range entries {
		names = append(names, filepath.Join(path, e.Name()))
	}
	return names, nil
}

func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) && !strings.HasPrefix(name,
		".")
}

func parseFile(name string, text []byte) ([]*File, error) {
	file, err := Parse(name, text)
	return []*File{file}, err
}

// Parse reads the documents of a file.
func Parse(name string, text []byte) (*File, error) {
	file := &File{Name: name}
	line := 1
	var errs []error
	for _, part := range yamledit.Split(text) {
		d := &Document{File: name, Line: line}
		if err := d.parse(part); err != nil {
			errs = append(errs, err)
		}
		file.Documents = append(file.Documents, d)
		line += bytes.Count(part, []byte("\n"))
	}
	return file, errors.Join(errs...)
}

// Text returns the file's text.
func (f *File) Text() []byte {
	var text []byte
	for _, d := range f.Documents {
		text = append(text, d.yaml.Text...)
	}
	return text
}

// Objects returns the objects of all documents. A list counts as its items.
func (f *File) Objects() []*Object {
	var all []*Object
	for _, d := range f.Documents {
		all = append(all, d.Objects()...)
	}
	return all
}
