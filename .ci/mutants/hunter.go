package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A hunter tests mutants of the module at root. What it compiles is in dir.
type hunter struct {
	root, dir string
	tree      *tree
	report    *report
	slots     chan struct{} // one for each build or test that may run at a time
	now       func() time.Time
}

// hunt tests the mutants, package by package, and returns an error if one is not killed.
func (h *hunter) hunt(ctx context.Context, mutants []*mutant) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.report.begin(len(mutants))
	groups := make(map[string][]*mutant)
	for _, m := range mutants {
		if err := m.locate(h.tree); err != nil {
			h.report.add(m, outcome{kind: doesNotApply, detail: err.Error()})
			continue
		}
		groups[m.dir()] = append(groups[m.dir()], m)
	}
	var packages sync.WaitGroup
	for _, dir := range byNumber(groups) {
		packages.Go(func() { h.pkg(ctx, dir, groups[dir]) })
	}
	packages.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return h.report.end()
}

// byNumber returns the directories, that with the most mutants first.
func byNumber(groups map[string][]*mutant) []string {
	var dirs []string
	for dir := range groups {
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(a, b string) int {
		if n := len(groups[b]) - len(groups[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return dirs
}

// pkg tests the mutants whose tests are in one package: those that share a binary, then the others.
func (h *hunter) pkg(ctx context.Context, dir string, mutants []*mutant) {
	name := filepath.Join(h.dir, strings.ReplaceAll(dir, "/", "-"))
	shared, alone := h.buildShared(ctx, dir, name+".shared", mutants)
	h.group(ctx, dir, name+".shared", shared, func(m *mutant, binary string) error {
		return activate(name+".shared", binary, m.id)
	})
	if len(alone) == 0 {
		return
	}
	if err := h.exclusively(ctx, func() error { return h.build(ctx, dir, name+".plain", nil) }); err != nil {
		h.broken(alone, outcome{kind: fails, detail: fmt.Sprintf("without the mutant: %v", err)})
		return
	}
	h.group(ctx, dir, name+".plain", alone, func(m *mutant, binary string) error {
		return h.build(ctx, dir, binary, m.overlay())
	})
}

var mutantID = regexp.MustCompile(`\bmutant-(\d+):\d`)

// buildShared builds one binary with all mutants that can share it. It returns those that do, and those
// that must be built alone. A mutant that does not compile is reported and left out.
func (h *hunter) buildShared(ctx context.Context, dir, binary string, mutants []*mutant) (shared, alone []*mutant) {
	for {
		overlay, separate, err := mergeAll(h.tree, mutants)
		if err != nil || len(separate) == len(mutants) {
			return nil, mutants
		}
		err = h.exclusively(ctx, func() error {
			h.report.say("building %s with %d mutants, %d more one by one", dir, len(mutants)-len(separate), len(separate))
			_ = os.RemoveAll(binary + ".overlay")
			return h.build(ctx, dir, binary, overlay)
		})
		if err == nil {
			return slices.DeleteFunc(slices.Clone(mutants), func(m *mutant) bool { return slices.Contains(separate, m) }), separate
		}
		var failed *buildError
		ids := make(map[int]bool)
		if errors.As(err, &failed) {
			for _, match := range mutantID.FindAllStringSubmatch(failed.output, -1) {
				id, _ := strconv.Atoi(match[1])
				ids[id] = true
			}
		}
		if len(ids) == 0 {
			if ctx.Err() == nil {
				h.report.say("%s cannot be built with all mutants, so each is built alone: %v", dir, err)
			}
			return nil, mutants
		}
		var rest []*mutant
		for _, m := range mutants {
			if ids[m.id] {
				h.report.add(m, outcome{kind: doesNotCompile, detail: linesOf(failed.output, m.id)})
			} else {
				rest = append(rest, m)
			}
		}
		mutants = rest
	}
}

// linesOf returns the compiler's messages about one mutant.
func linesOf(output string, id int) string {
	var lines []string
	for _, l := range strings.Split(output, "\n") {
		if strings.Contains(l, fmt.Sprintf("mutant-%d:", id)) {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n")
}

// group tests mutants that have the same baseline: a binary without a mutant, whose tests must pass.
func (h *hunter) group(ctx context.Context, dir, baseline string, mutants []*mutant, prepare func(*mutant, string) error) {
	if len(mutants) == 0 {
		return
	}
	var slow []string
	err := h.exclusively(ctx, func() (err error) {
		slow, err = h.baseline(ctx, dir, baseline, mutants)
		return err
	})
	if err != nil {
		h.broken(mutants, outcome{kind: fails, detail: err.Error()})
		return
	}
	var tests sync.WaitGroup
	for _, m := range mutants {
		tests.Go(func() {
			var o outcome
			err := h.exclusively(ctx, func() error {
				o = h.one(ctx, dir, m, slow, prepare)
				return nil
			})
			if err == nil && ctx.Err() == nil {
				h.report.add(m, o)
			}
		})
	}
	tests.Wait()
	_ = os.Remove(baseline)
}

// exclusively runs f when a slot is free.
func (h *hunter) exclusively(ctx context.Context, f func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broken reports that none of the mutants could be tested.
func (h *hunter) broken(mutants []*mutant, o outcome) {
	for _, m := range mutants {
		h.report.add(m, o)
	}
}

// baseline runs the tests of all mutants without any. They must pass: a mutant is killed only by a failure
// that it causes. The tests that fail are repeated, and then have as much time as they want, since some
// need more patience than a mutant deserves, and one that fails now and then is for "make test" to find.
// It returns those tests.
func (h *hunter) baseline(ctx context.Context, dir, binary string, mutants []*mutant) (slow []string, err error) {
	h.report.say("testing %s without a mutant", dir)
	var tests []string
	for _, m := range mutants {
		if !slices.Contains(tests, m.tests) {
			tests = append(tests, m.tests)
		}
	}
	run := testRun{dir: dir, binary: binary, tests: strings.Join(tests, "|"), limit: baselineTimeout, impatient: true}
	v, err := h.test(ctx, run)
	if err != nil || !v.failed {
		return nil, err
	}
	slow = failedTests(v.output)
	if len(slow) > 0 {
		run.tests = "^(" + strings.Join(slow, "|") + ")$"
	}
	run.impatient = false
	v, err = h.test(ctx, run)
	if err == nil && v.failed {
		err = fmt.Errorf("%s fails without a mutant: %s\n%s", dir, v.first, v.output)
	}
	return slow, err
}

// one tests one mutant.
func (h *hunter) one(ctx context.Context, dir string, m *mutant, slow []string, prepare func(*mutant, string) error) outcome {
	binary := filepath.Join(h.dir, fmt.Sprint("mutant-", m.id))
	defer os.Remove(binary)
	if err := prepare(m, binary); err != nil {
		return outcome{kind: doesNotCompile, detail: err.Error()}
	}
	run := testRun{dir: dir, binary: binary, tests: m.tests, limit: testTimeout, failFast: true, impatient: !m.needs(slow)}
	v, err := h.test(ctx, run)
	if err == nil && !v.failed {
		// Once more: with real processes, a busy machine can hide a broken promise.
		v, err = h.test(ctx, run)
	}
	switch {
	case err != nil:
		return outcome{kind: fails, detail: err.Error()}
	case v.failed:
		return outcome{kind: killed, detail: v.first, output: v.output, took: v.took}
	}
	return outcome{kind: survived, detail: m.tests + " passes in " + dir, output: v.output}
}
