package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// testTimeout is what the tests of one mutant may take: most take less than a second, and a mutant
// may wait forever. slowTimeout is for tests that take long.
const (
	testTimeout = 30 * time.Second
	slowTimeout = 2 * time.Minute
)

// baselineTimeout is what the tests of a package may take without a mutant.
const baselineTimeout = 10 * time.Minute

// shortWait makes tests with real processes give up early: a broken program is expected to keep them
// waiting.
const shortWait = "TEST_WAIT_TIMEOUT=5s"

// A verdict is the result of a test run.
type verdict struct {
	failed bool
	skip   string // the first test that was skipped
	first  string // the first test that failed, or how the run ended without one
	output []byte
	took   time.Duration
}

// build compiles the tests of the package in dir, with the overlay's files in place of those of the
// module.
func (h *hunter) build(ctx context.Context, dir, binary string, overlay map[string][]byte) error {
	file, err := h.writeOverlay(binary+".overlay", overlay)
	defer os.RemoveAll(binary + ".overlay")
	if err != nil {
		return err
	}
	// Without what debuggers need the linker has half the work.
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-ldflags=-s -w", "-o", binary, "-overlay", file, "./"+dir)
	cmd.Dir = h.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// writeOverlay writes the files to dir, and returns the path of the file that lists them for the
// compiler.
func (h *hunter) writeOverlay(dir string, files map[string][]byte) (string, error) {
	replace := make(map[string]string)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for name, text := range files {
		changed := filepath.Join(dir, fmt.Sprintf("%d_%s", len(replace), filepath.Base(name)))
		if err := os.WriteFile(changed, text, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(h.root, name)] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, list, 0o644)
}

// activate writes a copy of a merged binary in which the numbered mutant is active.
func activate(binary, copied string, id int) error {
	text, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, marker(0)) {
		return fmt.Errorf("%s has no marker", binary)
	}
	// A child that is forked in the meantime inherits the descriptor until it executes its own
	// program, and a file that is open for writing cannot be executed (ETXTBSY).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(copied, bytes.ReplaceAll(text, marker(0), marker(id)), 0o755)
}

// A testRun is one run of a test binary.
type testRun struct {
	dir, binary string
	tests       string        // regular expression
	limit       time.Duration // what all of it may take
	failFast    bool          // stop at the first failure
	impatient   bool          // let tests with real processes give up early
}

// runTests runs the tests of a binary that match.
func (h *hunter) runTests(ctx context.Context, r testRun) (verdict, error) {
	cmd := exec.CommandContext(ctx, r.binary, "-test.short", "-test.count=1", "-test.timeout="+r.limit.String(),
		"-test.v", "-test.run="+r.tests, fmt.Sprintf("-test.failfast=%t", r.failFast))
	cmd.Dir = filepath.Join(h.root, r.dir)
	cmd.Env = append(os.Environ(), "TMPDIR="+h.dir)
	if r.impatient {
		cmd.Env = append(cmd.Env, shortWait)
	}
	// A test binary that panics leaves the processes behind that it has started, with its output
	// open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	began := h.now()
	out, err := cmd.CombinedOutput()
	took := h.now().Sub(began)
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return verdict{}, ctx.Err()
	case bytes.Contains(out, []byte("no tests to run")):
		return verdict{}, fmt.Errorf("no test in %s matches %s", r.dir, r.tests)
	case err == nil:
		return verdict{output: out, skip: firstSkip(out)}, nil
	case errors.As(err, &exit):
		return verdict{failed: true, first: firstFailure(string(out)), output: out, took: took}, nil
	}
	return verdict{}, fmt.Errorf("run the tests of %s: %w", r.dir, err)
}

var (
	skip       = regexp.MustCompile(`(?m)(.*)\n *--- SKIP: (\S+)`)
	topFailure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)
	failure    = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
	timeout    = regexp.MustCompile(`(?m)^panic: test timed out`)
	crash      = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)`)
)

// firstSkip returns the first test that was skipped, if there is one, with the reason.
func firstSkip(out []byte) string {
	if m := skip.FindSubmatch(out); m != nil {
		return fmt.Sprintf("%s: %s", m[2], bytes.TrimSpace(m[1]))
	}
	return ""
}

// failedTests returns the names of the top-level tests that failed.
func failedTests(out []byte) []string {
	var names []string
	for _, m := range topFailure.FindAllSubmatch(out, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// needs reports whether one of the named tests is among the mutant's.
func (m *mutant) needs(names []string) bool {
	top, err := regexp.Compile(strings.Split(m.tests, "/")[0])
	return err != nil || slices.ContainsFunc(names, top.MatchString)
}

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
	return "the test binary failed after its tests"
}
