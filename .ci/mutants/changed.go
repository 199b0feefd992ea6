package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// changedFiles returns the files that differ from main, with those that are not committed, and a
// name for what they were compared with. On main itself they are compared with the commit before.
func changedFiles(ctx context.Context, root string) (files []string, since string, err error) {
	since, err = baseCommit(ctx, root)
	if err != nil {
		return nil, "", err
	}
	diff, err := git(ctx, root, "diff", "--name-only", "--no-renames", since)
	if err != nil {
		return nil, "", err
	}
	untracked, err := git(ctx, root, "ls-files", "--others", "--exclude-standard")
	if err != nil {
		return nil, "", err
	}
	return slices.Concat(strings.Fields(diff), strings.Fields(untracked)), since, nil
}

func baseCommit(ctx context.Context, root string) (string, error) {
	head, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	for _, main := range []string{"origin/main", "main"} {
		base, err := git(ctx, root, "merge-base", "HEAD", main)
		if err == nil && base != head {
			return base, nil
		}
	}
	return git(ctx, root, "rev-parse", "HEAD~")
}

// git returns the trimmed output of a git command.
func git(ctx context.Context, root string, args ...string) (string, error) {
	out, err := gitOutput(ctx, root, args...)
	return strings.TrimSpace(out), err
}

func gitOutput(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("git %s: %s", strings.Join(args, " "), bytes.TrimSpace(exit.Stderr))
	}
	return string(out), err
}

// touches reports whether one of the changed files is the mutant's: its patch, a file that it
// changes, or a file with one of its tests.
func (m *mutant) touches(t *tree, changed []string) bool {
	for _, file := range changed {
		if file == m.patch || slices.ContainsFunc(m.files, func(f filePatch) bool { return f.file == file }) {
			return true
		}
		if slices.ContainsFunc(m.located, func(l *located) bool { return l.file == file }) {
			return true
		}
		if isTest(file) && path.Dir(file) == filepath.ToSlash(m.dir()) && hasTest(t, file, m.tests) {
			return true
		}
	}
	return false
}

var testFunction = regexp.MustCompile(`^func ((?:Test|Fuzz|Example)\w*)\(`)

// hasTest reports whether a top-level test in the file matches the pattern.
func hasTest(t *tree, file, pattern string) bool {
	lines, err := t.lines(file)
	if err != nil {
		return false // it has been deleted
	}
	top, err := regexp.Compile(strings.Split(pattern, "/")[0])
	if err != nil {
		return true
	}
	return slices.ContainsFunc(lines, func(l string) bool {
		name := testFunction.FindStringSubmatch(l)
		return name != nil && top.MatchString(name[1])
	})
}
