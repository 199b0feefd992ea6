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
)

// A File is what has been read from one place.
type File struct {
	Name      string // path, or <stdin>
	Documents []*Document
}

// Stdin is the name of what comes from standard input.
const Stdin = "<stdin>"

// Read reads files, the files of directories (*.yaml, *.yml and *.json, in their order, and none of directories below), and standard
// input for "-".
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
		return parsed(Stdin, text)
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
		file, err := parsed(name, text)
		if err != nil {
			return nil, err
		}
		files = append(files, file...)
	}
	return files, nil
}

// filesOf returns the path of a file, or those of a directory's manifests.
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
		return e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) || strings.HasPrefix(e.Name(), ".")
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

func parsed(name string, text []byte) ([]*File, error) {
	file, err := Parse(name, text)
	return []*File{file}, err
}

// Parse reads what one file has.
func Parse(name string, text []byte) (*File, error) {
	file := &File{Name: name}
	line := 1
	var faults []error
	for _, part := range split(text) {
		d := &Document{File: name, Line: line, text: part}
		if err := d.parse(); err != nil {
			faults = append(faults, err)
		}
		file.Documents = append(file.Documents, d)
		line += bytes.Count(part, []byte("\n"))
	}
	return file, errors.Join(faults...)
}

// Text returns the file's text.
func (f *File) Text() []byte {
	var text []byte
	for _, d := range f.Documents {
		text = append(text, d.text...)
	}
	return text
}

// Objects returns the objects of all documents, those of lists one by one.
func (f *File) Objects() []*Object {
	var all []*Object
	for _, d := range f.Documents {
		all = append(all, d.Objects()...)
	}
	return all
}

// split cuts a stream in front of each line that begins a document (YAML 1.2 section 9.1.4). Nothing is left out.
func split(text []byte) [][]byte {
	var parts [][]byte
	begin, at := 0, 0
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		if at > begin && beginsDocument(line) && !directivesAlone(text[begin:at]) {
			parts = append(parts, text[begin:at])
			begin = at
		}
		at += len(line)
	}
	return append(parts, text[begin:])
}

func beginsDocument(line []byte) bool {
	rest, is := bytes.CutPrefix(line, []byte("---"))
	return is && (len(rest) == 0 || bytes.ContainsRune([]byte(" \t\r\n"), rune(rest[0])))
}

// directivesAlone says whether a text has nothing but directives and comments: they belong to the document behind them.
func directivesAlone(text []byte) bool {
	directives := false
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0 || line[0] == '#':
		case line[0] == '%':
			directives = true
		default:
			return false
		}
	}
	return directives
}
