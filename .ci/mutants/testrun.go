package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// testTimeout is what the tests of one mutant may take: the slowest take a few seconds, and a mutant may wait for ever.
const testTimeout = time.Minute

// baselineTimeout is what the tests of a package may take without a mutant.
const baselineTimeout = 10 * time.Minute

// A verdict is what tests say.
type verdict struct {
	failed bool
	first  string // the first test that failed, or how they ended without one
	output []byte
}

// build compiles the tests of a package. Without an overlay it is the package as it is.
func build(ctx context.Context, root, dir, binary, overlay string) error {
	// Without what debuggers need the linker has half the work.
	args := []string{"test", "-c", "-ldflags=-s -w", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+dir)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not compile: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// test runs the tests of a binary that match, for no longer than limit.
func test(ctx context.Context, root, dir, binary, tests string, limit time.Duration) (verdict, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.short", "-test.count=1", "-test.failfast",
		"-test.timeout="+limit.String(), "-test.run="+tests)
	cmd.Dir = filepath.Join(root, dir)
	cmd.WaitDelay = time.Second // for the output that a process has inherited which a panic left behind
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return verdict{}, ctx.Err()
	case bytes.Contains(out, []byte("no tests to run")):
		return verdict{}, fmt.Errorf("no test in %s matches %s", dir, tests)
	case err == nil:
		return verdict{output: out}, nil
	case errors.As(err, &exit):
		return verdict{failed: true, first: firstFailure(string(out)), output: out}, nil
	}
	return verdict{}, fmt.Errorf("run the tests of %s: %w", dir, err)
}

var (
	failure = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
	timeout = regexp.MustCompile(`(?m)^panic: test timed out`)
	crash   = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)`)
)

// firstFailure names the innermost of the first tests that failed.
func firstFailure(out string) string {
	if timeout.MatchString(out) {
		return "timeout"
	}
	name := ""
	for _, m := range failure.FindAllStringSubmatch(out, -1) {
		if name != "" && !strings.HasPrefix(m[1], name+"/") {
			break
		}
		name = m[1]
	}
	if name != "" {
		return name
	}
	if m := crash.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return "what is left after the tests"
}
