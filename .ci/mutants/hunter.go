package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A hunter tests mutants of the module at root. What it compiles is in dir.
type hunter struct {
	root, dir string
	report    *report
}

// check finds the mutants that the source has left behind.
func (h *hunter) check(mutants []mutant) error {
	var faults []error
	for _, m := range mutants {
		for _, e := range m.edits() {
			if _, err := e.apply(h.root); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", m.promise, err))
			}
		}
	}
	return errors.Join(faults...)
}

// baseline runs the tests of all mutants without any: a mutant is killed only by what fails because of it.
func (h *hunter) baseline(ctx context.Context, mutants []mutant) error {
	tests := make(map[string][]string) // by directory
	for _, m := range mutants {
		tests[m.dir()] = append(tests[m.dir()], m.tests)
	}
	for dir, patterns := range tests {
		binary := filepath.Join(h.dir, "baseline-"+strings.ReplaceAll(dir, "/", "-"))
		if err := build(ctx, h.root, dir, binary, ""); err != nil {
			return fmt.Errorf("%s without a mutant: %w", dir, err)
		}
		if err := h.passes(ctx, dir, binary, strings.Join(patterns, "|")); err != nil {
			return err
		}
	}
	return nil
}

// passes runs tests without a mutant, and once more if one fails: whether they always pass is for the test command to
// find out, not for the mutants.
func (h *hunter) passes(ctx context.Context, dir, binary, tests string) error {
	var v verdict
	for range 2 {
		var err error
		if v, err = test(ctx, h.root, dir, binary, tests, baselineTimeout); err != nil || !v.failed {
			return err
		}
	}
	return fmt.Errorf("%s fails without a mutant: %s\n%s", dir, v.first, v.output)
}

// all tests the mutants, some at a time, and ends with an error if one is alive or at fault.
func (h *hunter) all(ctx context.Context, mutants []mutant, workers int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.report.begin(len(mutants))
	next := make(chan mutant)
	var faults []error
	var mu sync.Mutex // guards faults
	var hunters sync.WaitGroup
	for range workers {
		hunters.Go(func() {
			for m := range next {
				v, err := h.one(ctx, m)
				if err != nil {
					mu.Lock()
					faults = append(faults, fmt.Errorf("%s: %w", m.promise, err))
					mu.Unlock()
				}
				h.report.add(m, v, err)
			}
		})
	}
	send(ctx, next, mutants)
	hunters.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	alive := h.report.end()
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	return alive
}

// send hands out the mutants and closes c.
func send(ctx context.Context, c chan<- mutant, mutants []mutant) {
	defer close(c)
	for _, m := range mutants {
		select {
		case c <- m:
		case <-ctx.Done():
			return
		}
	}
}

// one tests one mutant.
func (h *hunter) one(ctx context.Context, m mutant) (verdict, error) {
	dir, err := os.MkdirTemp(h.dir, "mutant")
	if err != nil {
		return verdict{}, err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(h.root, dir)
	if err != nil {
		return verdict{}, err
	}
	binary := filepath.Join(dir, "tests")
	if err := build(ctx, h.root, m.dir(), binary, overlay); err != nil {
		return verdict{}, err
	}
	v, err := test(ctx, h.root, m.dir(), binary, m.tests, testTimeout)
	if err == nil && !v.failed {
		// Once more: real processes on a busy machine may hide a broken promise for a moment.
		v, err = test(ctx, h.root, m.dir(), binary, m.tests, testTimeout)
	}
	return v, err
}
