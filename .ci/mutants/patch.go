package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A filePatch is the part of a patch that changes one file.
type filePatch struct {
	file  string // slash-separated path within the module
	hunks []hunk
}

// A hunk is one changed region with the lines around it.
type hunk struct {
	start   int    // line number of the first line in the old file, from 1; only a hint
	section string // the declaration that the hunk is in, for readers
	lines   []line
}

// A line of a hunk is context (' '), deleted ('-') or added ('+').
type line struct {
	op   byte
	text string
}

// old returns the context and the deleted lines.
func (h hunk) old() []string { return h.without('+') }

// changed returns the context and the added lines.
func (h hunk) changed() []string { return h.without('-') }

func (h hunk) without(op byte) []string {
	var texts []string
	for _, l := range h.lines {
		if l.op != op {
			texts = append(texts, l.text)
		}
	}
	return texts
}

// context returns the number of context lines at the beginning and at the end of the hunk.
func (h hunk) context() (before, after int) {
	for before < len(h.lines) && h.lines[before].op == ' ' {
		before++
	}
	for after < len(h.lines)-before && h.lines[len(h.lines)-1-after].op == ' ' {
		after++
	}
	return before, after
}

// trim returns the hunk without the given number of context lines at either end.
func (h hunk) trim(before, after int) hunk {
	h.start += before
	h.lines = h.lines[before : len(h.lines)-after]
	return h
}

var hunkHeader = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@ ?(.*)$`)

// parseDiff reads a unified diff. Lines before the first file and between files are ignored.
func parseDiff(text string) ([]filePatch, error) {
	var files []filePatch
	for i, t := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		inHunk := len(files) > 0 && len(files[len(files)-1].hunks) > 0
		header := hunkHeader.FindStringSubmatch(t)
		switch {
		case strings.HasPrefix(t, "diff --git "):
			files = append(files, filePatch{})
		case strings.HasPrefix(t, "--- a/"):
			if len(files) == 0 || files[len(files)-1].file != "" {
				files = append(files, filePatch{})
			}
			files[len(files)-1].file = strings.TrimPrefix(t, "--- a/")
		case strings.HasPrefix(t, "+++ ") && !inHunk:
		case header != nil && len(files) > 0:
			start, _ := strconv.Atoi(header[1])
			if header[2] == "0" {
				start++ // a diff without context names the line before an insertion
			}
			f := &files[len(files)-1]
			f.hunks = append(f.hunks, hunk{start: start, section: header[3]})
		case inHunk:
			f := &files[len(files)-1]
			if err := f.hunks[len(f.hunks)-1].add(t); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
	}
	return files, validate(files)
}

// add appends one line of the diff to the hunk.
func (h *hunk) add(t string) error {
	switch {
	case t == "":
		h.lines = append(h.lines, line{' ', ""}) // an editor has removed the space
	case t[0] == ' ', t[0] == '-', t[0] == '+':
		h.lines = append(h.lines, line{t[0], t[1:]})
	case t[0] == '\\': // no newline at the end of the file
	default:
		return fmt.Errorf("a line of a diff begins with a space, - or +, got %q", t)
	}
	return nil
}

func validate(files []filePatch) error {
	if len(files) == 0 {
		return errors.New(`no diff: want lines beginning with "--- a/FILE"`)
	}
	for _, f := range files {
		if f.file == "" || len(f.hunks) == 0 {
			return fmt.Errorf("the diff of %q has no changes", f.file)
		}
		for _, h := range f.hunks {
			if len(h.old()) == 0 {
				return fmt.Errorf("%s: a hunk that only adds lines needs a line of context", f.file)
			}
		}
	}
	return nil
}

// format writes files as a unified diff.
func format(files []filePatch) string {
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", f.file, f.file)
		moved := 0 // how many lines the hunks before have added
		for _, h := range f.hunks {
			before, after := len(h.old()), len(h.changed())
			header := fmt.Sprintf("@@ -%d,%d +%d,%d @@ %s", h.start, before, h.start+moved, after, h.section)
			fmt.Fprintln(&b, strings.TrimRight(header, " "))
			for _, l := range h.lines {
				fmt.Fprintf(&b, "%c%s\n", l.op, l.text)
			}
			moved += after - before
		}
	}
	return b.String()
}
