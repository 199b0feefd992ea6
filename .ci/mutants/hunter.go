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

// A group is mutants with the same baseline: a test binary without a mutant, whose tests must pass.
type group struct {
	dir      string // of the tests
	baseline string // path of the binary
	mutants  []*mutant
	prepare  func(m *mutant, binary string) error // makes the binary with a mutant
	slow     []string                             // tests that take long
}

// pkg tests the mutants whose tests are in one package: those that share a binary, then the others.
func (h *hunter) pkg(ctx context.Context, dir string, mutants []*mutant) {
	name := filepath.Join(h.dir, strings.ReplaceAll(dir, "/", "-"))
	together, alone := h.buildTogether(ctx, dir, name+".shared", mutants)
	if len(together) > 0 {
		h.test(ctx, &group{dir: dir, baseline: name + ".shared", mutants: together,
			prepare: func(m *mutant, binary string) error { return activate(name+".shared", binary, m.id) }})
	}
	if len(alone) == 0 {
		return
	}
	if err := h.inTurn(ctx, func() error { return h.build(ctx, dir, name+".plain", nil) }); err != nil {
		h.broken(alone, fmt.Errorf("without the mutant: %w", err))
		return
	}
	h.test(ctx, &group{dir: dir, baseline: name + ".plain", mutants: alone,
		prepare: func(m *mutant, binary string) error { return h.build(ctx, dir, binary, m.overlay()) }})
}

// buildTogether builds one binary with all mutants that can share it. It returns those that do, and
// those that must be built alone. A mutant that does not compile is reported and left out.
func (h *hunter) buildTogether(ctx context.Context, dir, binary string, mutants []*mutant) (together, alone []*mutant) {
	for {
		overlay, alone, err := mergeAll(h.tree, mutants)
		if err != nil || len(alone) == len(mutants) {
			return nil, mutants
		}
		together = slices.DeleteFunc(slices.Clone(mutants), func(m *mutant) bool { return slices.Contains(alone, m) })
		err = h.inTurn(ctx, func() error {
			h.report.progress("building the tests of %s with %d mutants at once", dir, len(together))
			return h.build(ctx, dir, binary, overlay)
		})
		if err == nil {
			return together, alone
		}
		compile := h.reportCompileErrors(mutants, err)
		if len(compile) == len(mutants) {
			if ctx.Err() == nil {
				h.report.progress("%s does not compile with all mutants, so each is built alone: %v", dir, err)
			}
			return nil, mutants
		}
		mutants = compile
	}
}

var mutantID = regexp.MustCompile(`\bmutant-(\d+):\d`)

// reportCompileErrors reports the mutants that the compiler names, and returns the others.
func (h *hunter) reportCompileErrors(mutants []*mutant, err error) (others []*mutant) {
	messages := make(map[string][]string) // by the mutant's number
	for _, l := range strings.Split(err.Error(), "\n") {
		if match := mutantID.FindStringSubmatch(l); match != nil {
			messages[match[1]] = append(messages[match[1]], l)
		}
	}
	for _, m := range mutants {
		if lines := messages[strconv.Itoa(m.id)]; lines != nil {
			h.report.add(m, outcome{kind: doesNotCompile, detail: strings.Join(lines, "\n")})
		} else {
			others = append(others, m)
		}
	}
	return others
}

// test tests the mutants of a group.
func (h *hunter) test(ctx context.Context, g *group) {
	err := h.inTurn(ctx, func() error { return h.runBaseline(ctx, g) })
	if err != nil {
		h.broken(g.mutants, err)
		return
	}
	var tests sync.WaitGroup
	for _, m := range g.mutants {
		tests.Go(func() {
			_ = h.inTurn(ctx, func() error {
				if o := h.one(ctx, g, m); ctx.Err() == nil {
					h.report.add(m, o)
				}
				return nil
			})
		})
	}
	tests.Wait()
	_ = os.Remove(g.baseline)
}

// inTurn runs f when there is a slot.
func (h *hunter) inTurn(ctx context.Context, f func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broken reports that none of the mutants could be tested.
func (h *hunter) broken(mutants []*mutant, err error) {
	for _, m := range mutants {
		if !errors.Is(err, context.Canceled) {
			h.report.add(m, outcome{kind: fails, detail: err.Error()})
		}
	}
}

// runBaseline runs the tests of all mutants of a group without any. They must pass: a mutant is
// killed only by a failure that it causes. The tests that fail are repeated with all the time that
// they want: some need more time than a mutant gets, and one that fails now and then is for
// "make test" to find.
func (h *hunter) runBaseline(ctx context.Context, g *group) error {
	h.report.progress("testing %s without a mutant", g.dir)
	var tests []string
	for _, m := range g.mutants {
		if !slices.Contains(tests, m.tests) {
			tests = append(tests, m.tests)
		}
	}
	run := testRun{
		dir: g.dir, binary: g.baseline, tests: strings.Join(tests, "|"),
		limit: baselineTimeout, impatient: true,
	}
	v, err := h.runTests(ctx, run)
	if err != nil || !v.failed {
		return err
	}
	g.slow = failedTests(v.output)
	if len(g.slow) > 0 {
		run.tests = "^(" + strings.Join(g.slow, "|") + ")$"
	}
	run.impatient = false
	v, err = h.runTests(ctx, run)
	if err == nil && v.failed {
		err = fmt.Errorf("%s fails without a mutant: %s\n%s", g.dir, v.first, v.output)
	}
	return err
}

// one tests one mutant.
func (h *hunter) one(ctx context.Context, g *group, m *mutant) outcome {
	binary := filepath.Join(h.dir, fmt.Sprint("mutant-", m.id))
	defer func() { _ = os.Remove(binary) }()
	if err := g.prepare(m, binary); err != nil {
		return outcome{kind: doesNotCompile, detail: err.Error()}
	}
	run := testRun{dir: g.dir, binary: binary, tests: m.tests, limit: testTimeout, failFast: true, impatient: true}
	if m.needs(g.slow) {
		run.limit, run.impatient = slowTimeout, false
	}
	v, err := h.runTests(ctx, run)
	if err == nil && !v.failed {
		// Once more: with real processes, a busy machine can hide a broken promise.
		v, err = h.runTests(ctx, run)
	}
	switch {
	case err != nil:
		return outcome{kind: fails, detail: err.Error()}
	case v.failed:
		return outcome{kind: killed, detail: v.first, output: v.output, took: v.took}
	case v.skip != "":
		return outcome{kind: skipped, detail: v.skip, output: v.output}
	}
	return outcome{kind: survived, detail: m.tests + " passes in " + g.dir, output: v.output}
}
