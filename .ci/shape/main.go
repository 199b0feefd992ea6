package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "shape:", err)
	os.Exit(1)
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("shape", flag.ContinueOnError)
	verbose := flags.Bool("v", false, "print every finding")
	update := flags.Bool("update", false, "lower the figures in known.txt to what they are now")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := output("", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	files, err := trackedFiles(root)
	if err != nil {
		return err
	}
	figures, err := measure(root, files)
	if err != nil {
		return err
	}
	list := filepath.Join(root, ".ci/shape/known.txt")
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	known, err := parseKnown(string(text))
	if err != nil {
		return err
	}
	if *update {
		return os.WriteFile(list, []byte(known.lowered(figures)), 0o644)
	}
	return report(figures, known, *verbose, out)
}

// measure returns all figures of the repository.
func measure(root string, files []string) ([]figure, error) {
	source, err := parseSource(root, files)
	if err != nil {
		return nil, err
	}
	arrows, err := arrows(root, "proxy")
	if err != nil {
		return nil, fmt.Errorf("layers of proxy: %w", err)
	}
	words, err := language(root, files)
	if err != nil {
		return nil, err
	}
	return slices.Concat(source.types(), source.functions(), []figure{source.wideLines(), arrows}, words), nil
}

// report prints a summary, and what exceeds its limit.
func report(figures []figure, known known, verbose bool, out io.Writer) error {
	failed := 0
	for _, kind := range kinds {
		worst, over, allowed := figure{}, 0, 0
		for _, f := range figures {
			if f.kind != kind.name {
				continue
			}
			if f.value > worst.value {
				worst = f
			}
			switch {
			case f.value <= kind.limit:
			case f.value == known[f.key()]:
				allowed++
			default:
				over++
				explain(out, f, kind, known[f.key()])
			}
			if verbose {
				for _, finding := range f.findings {
					fmt.Fprintln(out, "\t"+finding)
				}
			}
		}
		failed += over
		fmt.Fprintf(out, "%-8s %4d at most (%s), limit %d, known to exceed it: %d\n",
			kind.name, worst.value, worst.name, kind.limit, allowed)
	}
	for key := range known {
		if !slices.ContainsFunc(figures, func(f figure) bool { return f.key() == key && f.over() }) {
			failed++
			fmt.Fprintf(out, "%s no longer exceeds its limit: run go run ./.ci/shape -update\n", key)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d figures are not as they should be", failed)
	}
	return nil
}

// explain prints a figure that is neither within its limit nor as it is known.
func explain(out io.Writer, f figure, kind kind, known int) {
	if known > f.value {
		fmt.Fprintf(out, "%s: %d %s, and known.txt has %d: run go run ./.ci/shape -update\n",
			f.name, f.value, kind.what, known)
		return
	}
	fmt.Fprintf(out, "%s: %d %s, at most %d are allowed\n", f.name, f.value, kind.what, max(kind.limit, known))
	for i, finding := range f.findings {
		if i == 20 {
			fmt.Fprintf(out, "\tand %d more (-v)\n", len(f.findings)-i)
			break
		}
		fmt.Fprintln(out, "\t"+finding)
	}
}

// trackedFiles returns the regular files that are or could be committed, except those that nobody
// writes by hand. A symbolic link, such as node_modules, is not one of them.
func trackedFiles(root string) ([]string, error) {
	list, err := output(root, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	files := strings.Split(strings.TrimSpace(list), "\n")
	return slices.DeleteFunc(files, func(name string) bool {
		info, err := os.Lstat(filepath.Join(root, name))
		return err != nil || !info.Mode().IsRegular() || isGenerated(name)
	}), nil
}

// isGenerated reports whether nobody writes a file by hand.
func isGenerated(name string) bool {
	return name == "LICENSE" || name == "go.sum" || strings.HasPrefix(name, "bench/results/") ||
		strings.HasSuffix(name, "package-lock.json") || strings.Contains(name, "/testdata/fuzz/")
}

// output returns what a command prints.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}
