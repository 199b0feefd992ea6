package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A bench is one run: its processes, its files and what it has measured.
type bench struct {
	opts  options
	cores cores
	began time.Time
	dir   string // for everything this run writes, removed at its end

	place     place // what all instances have in common; set by prepare
	binaries  map[string]string
	app       *process // nil until prepare
	instances map[string]*instance

	results results
}

// newBench makes the directory of a run. The caller closes the bench.
func newBench(opts options) (*bench, error) {
	cores, err := shareCores()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lameduck-overhead-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	return &bench{
		opts:      opts,
		cores:     cores,
		began:     time.Now(),
		dir:       dir,
		binaries:  map[string]string{},
		instances: map[string]*instance{},
	}, nil
}

// close stops every process that was started and removes every file.
func (b *bench) close() error {
	for _, in := range b.instances {
		in.stop()
	}
	if b.app != nil {
		b.app.stop()
	}
	return os.RemoveAll(b.dir)
}

// prepare finds or builds every peer's program, and starts the app and one
// instance of each peer.
func (b *bench) prepare(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintln(stderr, "building and starting", peerNames(b.opts.Peers))
	for _, p := range b.opts.Peers {
		path, err := b.locate(ctx, p)
		if err != nil {
			return err
		}
		b.binaries[p.Name] = path
	}
	if err := b.startApp(ctx); err != nil {
		return err
	}
	for _, p := range b.opts.Peers {
		in, err := b.startInstance(ctx, p)
		if err != nil {
			return err
		}
		b.instances[p.Name] = in
		if err := checkBodies(ctx, in.place.Listen); err != nil {
			return fmt.Errorf("check %s: %w", p.Name, err)
		}
	}
	return nil
}

// locate returns the path of a peer's program, after building it if need be.
func (b *bench) locate(ctx context.Context, p peer) (string, error) {
	switch {
	case p.Name == lameduck && b.opts.Lameduck != "":
		return filepath.Abs(b.opts.Lameduck)
	case p.Build != "":
		output := filepath.Join(b.dir, p.Name)
		return output, buildBinary(ctx, p.Build, output)
	case p.Tool != (tool{}):
		return p.Tool.path()
	}
	return "", nil // direct has no program
}

// startApp starts the app and sets what every instance is told about it.
func (b *bench) startApp(ctx context.Context) error {
	addresses, err := freeAddresses(1)
	if err != nil {
		return err
	}
	b.place = place{Dir: b.dir, Files: b.dir, App: addresses[0], Small: smallText()}
	b.place.limitTo(b.opts.Connections)

	at := b.place
	// Idle connections of all peers and those of the load meet here.
	at.Descriptors = b.place.Descriptors + len(b.opts.Peers)*spareConnections
	if at.Binary, err = appTool().path(); err != nil {
		return err
	}
	b.app, err = startApp(ctx, at, b.cores.Others)
	return err
}

// startInstance starts one more instance of a peer.
func (b *bench) startInstance(ctx context.Context, p peer) (*instance, error) {
	at := b.place
	at.Binary = b.binaries[p.Name]
	return startInstance(ctx, p, at, b.cores.Proxy)
}

// measure walks the plan and keeps what each step yields.
func (b *bench) measure(ctx context.Context, show *progress) error {
	steps := plan(b.opts)
	defer show.clear()
	for i, s := range steps {
		show.step(steps, i, time.Since(b.began))
		m, err := s.Case.measure(ctx, b, b.instances[s.Peer.Name], s.Duration)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			return fmt.Errorf("measure %s of %s: %w", s.Case.Name, s.Peer.Name, err)
		}
		if !s.discarded() {
			b.results.add(s, m)
		}
	}
	return nil
}
