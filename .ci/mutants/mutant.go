package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// patchDir is the directory of the patches within the module.
const patchDir = ".ci/mutants/patches"

// A mutant is a change of the source that breaks a promise.
type mutant struct {
	id      int    // identifies it in a test binary; from 1
	patch   string // path of the patch file within the module
	promise string // the promise that it breaks
	tests   string // regular expression of the tests that must fail
	in      string // directory of those tests; empty means that of the changed file
	alone   bool   // it is built separately
	files   []filePatch

	located []*located // its places in the source; empty if it does not apply
}

// dir returns the directory of the package whose tests must fail.
func (m *mutant) dir() string {
	switch {
	case m.in != "":
		return m.in
	case len(m.located) > 0:
		return path.Dir(m.located[0].file)
	}
	return path.Dir(m.files[0].file)
}

// locate finds the mutant's places in the source.
func (m *mutant) locate(t *tree) error {
	for _, f := range m.files {
		l, err := f.locate(t)
		if err != nil {
			m.located = nil
			return err
		}
		m.located = append(m.located, l)
	}
	return nil
}

// loadMutants reads all patches.
func loadMutants(root string) ([]*mutant, error) {
	var mutants []*mutant
	var errs []error
	promises := make(map[string]string)
	err := filepath.WalkDir(filepath.Join(root, patchDir), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".patch" {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		m, err := loadMutant(root, filepath.ToSlash(rel))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", rel, err))
			return nil
		}
		if other, ok := promises[m.promise]; ok {
			errs = append(errs, fmt.Errorf("%s has the same promise as %s", rel, other))
		}
		promises[m.promise] = rel
		m.id = len(mutants) + 1
		mutants = append(mutants, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return mutants, errors.Join(errs...)
}

func loadMutant(root, patch string) (*mutant, error) {
	text, err := os.ReadFile(filepath.Join(root, patch))
	if err != nil {
		return nil, err
	}
	m, err := parseMutant(string(text))
	if err != nil {
		return nil, err
	}
	m.patch = patch
	return m, nil
}

// parseMutant reads the header and the diff of a patch file.
func parseMutant(text string) (*mutant, error) {
	header, diff, ok := strings.Cut(text, "\n\n")
	if !ok {
		return nil, errors.New("want a header, an empty line and a diff")
	}
	m := &mutant{}
	for _, l := range strings.Split(header, "\n") {
		key, value, _ := strings.Cut(l, ": ")
		if err := m.set(key, strings.TrimSpace(value)); err != nil {
			return nil, err
		}
	}
	if m.promise == "" || m.tests == "" {
		return nil, errors.New("the header needs the lines Promise and Tests")
	}
	var err error
	m.files, err = parseDiff(diff)
	return m, err
}

// set applies one line of the header.
func (m *mutant) set(key, value string) error {
	switch key {
	case "Promise":
		m.promise = value
	case "Tests":
		m.tests = value
		if _, err := regexp.Compile(value); err != nil {
			return fmt.Errorf("header line Tests: %w", err)
		}
	case "In":
		m.in = value
	case "Alone":
		m.alone = value == "yes"
	default:
		return fmt.Errorf("unknown header line %q (known: Promise, Tests, In, Alone)", key)
	}
	return nil
}

// String returns the patch file's text.
func (m *mutant) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Promise: %s\nTests: %s\n", m.promise, m.tests)
	if m.in != "" {
		fmt.Fprintf(&b, "In: %s\n", m.in)
	}
	if m.alone {
		fmt.Fprintf(&b, "Alone: yes\n")
	}
	return b.String() + "\n" + format(m.files)
}

// refresh rewrites the patch file if the source has moved under it, and reports whether it did.
func (m *mutant) refresh(root string) (bool, error) {
	before := m.String()
	var files []filePatch
	for _, l := range m.located {
		files = append(files, l.refreshed())
	}
	m.files = files
	if m.String() == before {
		return false, nil
	}
	return true, os.WriteFile(filepath.Join(root, m.patch), []byte(m.String()), 0o644)
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// patchName returns the path of the patch file for a promise about the given source file.
func patchName(promise, file string) string {
	words := strings.Trim(notInName.ReplaceAllString(strings.ToLower(promise), "-"), "-")
	if len(words) > 70 {
		words = words[:strings.LastIndex(words[:70], "-")]
	}
	return path.Join(patchDir, path.Dir(file), words+".patch")
}
