package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "mutants:", err)
	if errors.Is(err, errSurvived) {
		os.Exit(1)
	}
	os.Exit(2)
}

// options are the command line.
type options struct {
	only                            *regexp.Regexp
	changed, list, refresh, verbose bool
	workers                         int
	promise, tests, in              string // of a new mutant
}

func parseFlags(args []string) (*options, error) {
	o := &options{only: regexp.MustCompile("")}
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.Func("only", "take the mutants whose promise, patch or source file matches this regular `expression`",
		func(s string) (err error) {
			o.only, err = regexp.Compile(s)
			return err
		})
	flags.BoolVar(&o.changed, "changed", false, "take the mutants whose source, patch or tests differ from main")
	flags.BoolVar(&o.list, "list", false, "list the mutants and stop")
	flags.BoolVar(&o.refresh, "refresh", false, "rewrite the patches whose lines have moved and stop")
	flags.BoolVar(&o.verbose, "v", false, "print what the tests print")
	// Most of the time is that of mutants that make a test wait, which takes no processor.
	flags.IntVar(&o.workers, "j", 2*runtime.NumCPU(), "`number` of builds and tests at a time")
	flags.StringVar(&o.promise, "new", "", "make a mutant of the unstaged changes, which breaks this `promise`")
	flags.StringVar(&o.tests, "tests", "", "regular `expression` of the tests that must fail, for -new")
	flags.StringVar(&o.in, "in", "", "`directory` of those tests, if it is not that of the changed file, for -new")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if (o.promise == "") != (o.tests == "") {
		return nil, errors.New("-new and -tests go together")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	t := newTree(root)
	if o.promise != "" {
		m := &mutant{id: 1, promise: o.promise, tests: o.tests, in: o.in}
		if err := create(ctx, root, m); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s:\n\n%s\n", m.patch, m)
		return hunt(ctx, t, []*mutant{m}, o, out)
	}
	chosen, err := choose(ctx, t, o, out)
	switch {
	case err != nil || len(chosen) == 0:
		return err
	case o.list:
		for _, m := range chosen {
			fmt.Fprintf(out, "%s\n\t%s: %s in %s\n", m.promise, m.patch, m.tests, m.dir())
		}
		return nil
	case o.refresh:
		return refreshAll(t, chosen, out)
	}
	return hunt(ctx, t, chosen, o, out)
}

// choose returns the mutants that the options take.
func choose(ctx context.Context, t *tree, o *options, out io.Writer) ([]*mutant, error) {
	all, err := loadMutants(t.root)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(m *mutant) bool {
		return !o.only.MatchString(m.promise) && !o.only.MatchString(m.patch) && !o.only.MatchString(m.files[0].file)
	})
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant matches %s", o.only)
	}
	if !o.changed {
		return chosen, nil
	}
	files, since, err := changedFiles(ctx, t.root)
	if err != nil {
		return nil, fmt.Errorf("-changed: %w", err)
	}
	chosen = slices.DeleteFunc(chosen, func(m *mutant) bool { return !m.touches(t, files) })
	fmt.Fprintf(out, "mutants: %d of %d, those of files that differ from %.12s\n", len(chosen), len(all), since)
	return chosen, nil
}

// hunt tests the mutants in a temporary directory.
func hunt(ctx context.Context, t *tree, mutants []*mutant, o *options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	h := &hunter{root: t.root, dir: dir, tree: t, report: newReport(out, o.verbose, time.Now),
		slots: make(chan struct{}, max(1, o.workers)), now: time.Now}
	return h.hunt(ctx, mutants)
}

// refreshAll rewrites the patches whose lines have moved.
func refreshAll(t *tree, mutants []*mutant, out io.Writer) error {
	var errs []error
	for _, m := range mutants {
		if err := m.locate(t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.patch, err))
			continue
		}
		changed, err := m.refresh(t.root)
		if err != nil {
			return err
		}
		if changed {
			fmt.Fprintln(out, "refreshed", m.patch)
		}
	}
	return errors.Join(errs...)
}

// moduleRoot returns the directory of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	mod := string(bytes.TrimSpace(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("find the module: run this inside the repository")
	}
	return filepath.Dir(mod), nil
}
