package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	holdrecord "lameduck/bench/hold/record"
	"lameduck/bench/internal/command"
	"lameduck/bench/matrix/record"
)

func main() {
	command.Main("page", func(_ context.Context, args []string, stdout, stderr io.Writer) error {
		dir, err := parseOptions(args, stderr)
		if err != nil {
			return err
		}
		return run(dir, stdout)
	})
}

// parseOptions returns the directory of the results.
func parseOptions(args []string, out io.Writer) (string, error) {
	f := flag.NewFlagSet("page", flag.ContinueOnError)
	f.SetOutput(out)
	dir := f.String("in", "bin/bench", "`directory` of rollouts.json, overhead.json, hold.json and hold-real.json")
	err := command.Parse(f, args, func() error { return nil })
	return *dir, err
}

// results are the contents of the page. Each may be missing.
type results struct {
	rollouts *record.File
	overhead *overhead
	hold     hold
}

// run reads the results in dir, writes the page there and prints the names of its files.
func run(dir string, out io.Writer) error {
	r, err := readResults(dir)
	if err != nil {
		return err
	}
	files, err := r.render()
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.content, 0o644); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
		fmt.Fprintln(out, path)
	}
	return nil
}

func readResults(dir string) (results, error) {
	var r results
	var err error
	r.rollouts, err = record.Read(filepath.Join(dir, "rollouts.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	r.overhead, err = readOverhead(filepath.Join(dir, "overhead.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	if err := r.hold.read(dir); err != nil {
		return r, err
	}
	if r.rollouts == nil && r.overhead == nil && r.hold == (hold{}) {
		return r, fmt.Errorf("%s has no results: run ./bench/matrix, ./bench/overhead or ./bench/hold first", dir)
	}
	return r, nil
}

// read reads the results of bench/hold in dir.
func (h *hold) read(dir string) (err error) {
	h.simulated, err = holdrecord.Read(filepath.Join(dir, holdrecord.FileName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	h.measured, err = holdrecord.ReadMeasured(filepath.Join(dir, holdrecord.MeasuredName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// A file is a file to be written.
type file struct {
	name    string
	content []byte
}

// render renders all files.
func (r results) render() ([]file, error) {
	html, err := r.html()
	if err != nil {
		return nil, err
	}
	files := []file{{"results.md", []byte(r.markdown())}, {"index.html", html}}
	if picture := r.picture(); picture != "" {
		files = append(files, file{"rollouts.svg", []byte(picture)})
	}
	return files, nil
}
