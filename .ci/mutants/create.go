package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxNewLines is the number of lines that a new mutant may change. More are likely to be work that
// is not staged yet.
const maxNewLines = 20

// create makes the unstaged changes of the working tree into the mutant: it writes the patch and
// restores the files as they are staged.
func create(ctx context.Context, root string, m *mutant) error {
	diff, err := gitOutput(ctx, root, "diff", "--no-color", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/")
	if err != nil {
		return err
	}
	if diff == "" {
		return errors.New("-new: nothing is changed; stage your work (git add), then break the promise in the source")
	}
	changes, err := parseDiff(diff)
	if err != nil {
		return err
	}
	if n := changedLines(changes); n > maxNewLines {
		return fmt.Errorf("-new: %d unstaged lines are too many for a mutant (at most %d); stage your work first",
			n, maxNewLines)
	}
	for _, f := range changes {
		staged, err := gitOutput(ctx, root, "show", ":"+f.file)
		if err != nil {
			return err
		}
		l := located{file: f.file, old: strings.Split(staged, "\n"), hunks: f.hunks}
		m.files = append(m.files, l.refreshed())
	}
	m.patch = patchName(m.promise, m.files[0].file)
	if err := m.write(root); err != nil {
		return err
	}
	for _, f := range changes {
		if _, err := gitOutput(ctx, root, "checkout", "--", f.file); err != nil {
			return err
		}
	}
	return nil
}

// write writes the patch file, which must not exist.
func (m *mutant) write(root string) error {
	file := filepath.Join(root, m.patch)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(m.String())
	return errors.Join(err, f.Close())
}

func changedLines(files []filePatch) int {
	n := 0
	for _, f := range files {
		for _, h := range f.hunks {
			for _, l := range h.lines {
				if l.op != ' ' {
					n++
				}
			}
		}
	}
	return n
}
