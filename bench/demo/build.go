package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"lameduck/bench/trial"
)

// build makes the programs that were not given and returns the paths of all.
func (o options) build(ctx context.Context, dir string) (trial.Programs, error) {
	p := trial.Programs{App: o.app, Lameduck: o.lameduck}
	for _, b := range []struct {
		path *string
		pkg  string
	}{
		{&p.App, "lameduck/bench/app"},
		{&p.Lameduck, "lameduck/cmd/lameduck"},
	} {
		if *b.path != "" {
			continue
		}
		*b.path = filepath.Join(dir, filepath.Base(b.pkg))
		if err := goBuild(ctx, *b.path, b.pkg); err != nil {
			return p, err
		}
	}
	return p, nil
}

func goBuild(ctx context.Context, path, pkg string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, pkg).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w (run this inside the repository, or name the programs with -app and -lameduck)\n%s",
			pkg, err, bytes.TrimSpace(out))
	}
	return nil
}
