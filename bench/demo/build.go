package main

import (
	"context"
	"fmt"
	"path/filepath"

	"lameduck/bench/internal/program"
	"lameduck/bench/trial"
)

// build builds the programs without a flag and returns the paths of all programs.
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
		if err := program.Build(ctx, b.pkg, *b.path); err != nil {
			return p, fmt.Errorf("%w (or set -app and -lameduck)", err)
		}
	}
	return p, nil
}
