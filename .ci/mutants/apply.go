package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// minContext is the number of context lines that a new patch has around each change. It has more
// where they are needed to find the place.
const minContext = 2

// A located patch is one whose places in the source are known.
type located struct {
	file     string
	old, new []string // lines of the file without and with the patch
	hunks    []hunk   // with the line numbers and the context of the file as it is
}

// locate finds the place of the patch: in its own file, else in a file of the same package, else in
// any package. A refactoring that only moves lines therefore leaves the patch valid. Lines that its own
// file has several times may not be found in another file by chance: there, the context must match.
func (f filePatch) locate(t *tree) (*located, error) {
	own := f.in(t, f.file, true)
	if own.err == nil || !errors.Is(own.err, errNotFound) {
		return own.located, own.err
	}
	for _, search := range []struct {
		files []string
		fuzzy bool
	}{{t.siblings(f.file), !errors.Is(own.err, errAmbiguous)}, {t.goFiles(), false}} {
		var found []*located
		for _, name := range search.files {
			if r := f.in(t, name, search.fuzzy); r.err == nil {
				found = append(found, r.located)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return nil, fmt.Errorf("%w; the lines occur in %s and in %s", own.err, found[0].file, found[1].file)
		}
	}
	return nil, own.err
}

type result struct {
	located *located
	err     error
}

// in applies the patch to the named file.
func (f filePatch) in(t *tree, name string, fuzzy bool) result {
	old, err := t.lines(name)
	if err != nil {
		return result{err: fmt.Errorf("%w: %s does not exist", errNotFound, name)}
	}
	l := &located{file: name, old: old}
	next := 0 // the first line of the file that is not copied yet
	for _, h := range f.hunks {
		found, err := h.find(old, fuzzy)
		if err != nil {
			return result{err: fmt.Errorf("%s: %w", name, err)}
		}
		begin := found.start - 1
		if begin < next {
			return result{err: fmt.Errorf("%s: hunks overlap or are out of order", name)}
		}
		l.new = append(append(l.new, old[next:begin]...), found.changed()...)
		next = begin + len(found.old())
		l.hunks = append(l.hunks, found)
	}
	l.new = append(l.new, old[next:]...)
	return result{located: l}
}

var (
	errNotFound  = errors.New("the lines that it changes are not found")
	errAmbiguous = errors.New("more than one place matches")
)

// find returns the hunk as it stands in the file. It must match in exactly one place. Indentation
// is ignored. A fuzzy search drops context lines, from the outside, until there is a match.
func (h hunk) find(file []string, fuzzy bool) (hunk, error) {
	before, after := h.context()
	for drop := 0; drop == 0 || fuzzy && drop <= max(before, after); drop++ {
		trimmed := h.trim(min(drop, before), min(drop, after))
		places := occurrences(file, trimmed.old())
		switch len(places) {
		case 0:
			continue
		case 1:
			return trimmed.at(file, places[0]), nil
		}
		if drop > 0 {
			return hunk{}, fmt.Errorf("%w: the context has changed, and %w: %q is there %d times",
				errNotFound, errAmbiguous, firstChange(h), len(places))
		}
		return hunk{}, fmt.Errorf("%w: lines %d and %d", errAmbiguous, places[0]+1, places[1]+1)
	}
	return hunk{}, fmt.Errorf("%w: %q", errNotFound, firstChange(h))
}

// at returns the hunk with context from the file, where it begins at the given index.
func (h hunk) at(file []string, begin int) hunk {
	h.start = begin + 1
	h.lines = slices.Clone(h.lines)
	i := begin
	for n, l := range h.lines {
		if l.op != '+' {
			h.lines[n].text = file[i]
			i++
		}
	}
	return h
}

// firstChange returns the first deleted line, or the first added one if nothing is deleted.
func firstChange(h hunk) string {
	for _, op := range []byte("-+") {
		for _, l := range h.lines {
			if l.op == op && strings.TrimSpace(l.text) != "" {
				return strings.TrimSpace(l.text)
			}
		}
	}
	return ""
}

// occurrences returns the indexes in file at which the wanted lines begin. No lines occur nowhere.
func occurrences(file, want []string) []int {
	if !slices.ContainsFunc(want, func(s string) bool { return strings.TrimSpace(s) != "" }) {
		return nil
	}
	var places []int
	for i := range len(file) - len(want) + 1 {
		if slices.EqualFunc(file[i:i+len(want)], want, sameLine) {
			places = append(places, i)
		}
	}
	return places
}

// sameLine reports whether two lines are the same but for indentation.
func sameLine(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// refreshed returns the patch of l with line numbers, sections and as much context as it needs.
func (l *located) refreshed() filePatch {
	f := filePatch{file: l.file}
	for _, h := range l.hunks {
		before, after := h.context()
		h = h.trim(before, after)
		for n := minContext; ; n++ {
			wide := h.widen(l.old, n)
			if len(occurrences(l.old, wide.old())) == 1 || n > len(l.old) {
				wide.section = section(l.old, h.start-1)
				f.hunks = append(f.hunks, wide)
				break
			}
		}
	}
	return f
}

// widen returns the hunk with n lines of context on either side.
func (h hunk) widen(file []string, n int) hunk {
	begin := h.start - 1
	end := begin + len(h.old())
	last := len(file)
	if file[last-1] == "" {
		last-- // the file ends in a newline
	}
	from, to := max(0, begin-n), max(end, min(last, end+n))
	var lines []line
	for _, t := range file[from:begin] {
		lines = append(lines, line{' ', t})
	}
	lines = append(lines, h.lines...)
	for _, t := range file[end:to] {
		lines = append(lines, line{' ', t})
	}
	return hunk{start: from + 1, lines: lines}
}

// section returns the line before begin that opens a declaration.
func section(file []string, begin int) string {
	for i := begin - 1; i >= 0; i-- {
		if t := file[i]; t != "" && strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", rune(t[0])) {
			return t
		}
	}
	return ""
}

// samePackage reports whether two files are in one directory, and both tests or neither.
func samePackage(a, b string) bool {
	return path.Dir(a) == path.Dir(b) && isTest(a) == isTest(b)
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.go") }
