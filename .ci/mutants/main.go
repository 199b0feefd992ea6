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
	"slices"
	"syscall"
)

// errAlive says that tests did not notice a mutant.
var errAlive = errors.New("a promise is broken and no test notices")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "mutants:", err)
	if errors.Is(err, errAlive) {
		os.Exit(1)
	}
	os.Exit(2)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "regular `expression` that a mutant's name or file matches; empty: all")
	list := flags.Bool("list", false, "list the mutants and do nothing")
	workers := flags.Int("j", 2, "`number` of mutants at a time")
	verbose := flags.Bool("v", false, "show what the tests say")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if *list {
		for _, m := range chosen {
			fmt.Fprintf(out, "%s\n\t%s: %s in %s\n", m.promise, m.file, m.tests, m.dir())
		}
		return nil
	}
	return hunt(ctx, chosen, max(1, *workers), newReport(out, *verbose))
}

// choose returns the mutants whose name or file matches.
func choose(only string) ([]mutant, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var chosen []mutant
	for _, m := range slices.Concat(framing, relay, protocols, fallback, security, kept, delivery, rhythm, decisions, command, bench, injection, linting, admission) {
		if match.MatchString(m.promise) || match.MatchString(m.file) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant matches %s", only)
	}
	return chosen, nil
}

// hunt tests the program as it is, and then every mutant.
func hunt(ctx context.Context, mutants []mutant, workers int, r *report) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	h := &hunter{root: root, dir: dir, report: r}
	if err := h.check(mutants); err != nil {
		return err
	}
	if err := h.baseline(ctx, mutants); err != nil {
		return err
	}
	return h.all(ctx, mutants, workers)
}

// moduleRoot is the directory of go.mod.
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
