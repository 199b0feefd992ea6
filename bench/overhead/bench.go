package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lameduck/bench/peers"
)

// A bench is one run: its processes, its files and what it has measured.
type bench struct {
	opts  options // its peers are those that can run, after prepare
	asked []string
	cores cores
	began time.Time
	dir   string // for everything this run writes, removed at its end

	place     place // what all instances have in common; set by prepare
	binaries  map[string]string
	app       *process             // nil until prepare
	instances map[string]*instance // those that stay, once they are needed

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
		asked:     peerNames(opts.Peers),
		results:   results{notes: opts.Notes},
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

// prepare starts the app, builds what is to be built and makes sure of every
// peer.
func (b *bench) prepare(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintln(stderr, "building and starting", strings.Join(peerNames(b.opts.Peers), ", "))
	for _, note := range b.opts.Notes {
		fmt.Fprintln(stderr, note)
	}
	if err := b.startApp(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(b.opts.Cases, func(c benchCase) bool { return c.Rate > 0 }) {
		if err := b.buildPacer(ctx); err != nil {
			return err
		}
	}
	return b.sift(ctx, stderr, func(p peer) error { return b.try(ctx, p, stderr) })
}

// sift tries every peer and leaves out those that cannot run here, unless
// somebody has named them.
func (b *bench) sift(ctx context.Context, stderr io.Writer, try func(peer) error) error {
	var present []peer
	for _, p := range b.opts.Peers {
		err := try(p)
		switch {
		case err == nil:
			present = append(present, p)
		case ctx.Err() != nil:
			return errInterrupted
		case b.opts.Named || p.Name == lameduck:
			return err
		default:
			b.leaveOut(p, err, stderr)
		}
	}
	b.opts.Peers = present
	return nil
}

// leaveOut notes, in one line, why a peer is not measured.
func (b *bench) leaveOut(p peer, err error, stderr io.Writer) {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	note := fmt.Sprintf("%s is left out: %s", p.Name, reason)
	fmt.Fprintln(stderr, note)
	b.results.notes = append(b.results.notes, note)
}

// try finds a peer's program and looks whether it does what it is to do.
func (b *bench) try(ctx context.Context, p peer, stderr io.Writer) error {
	path, err := b.locate(ctx, p, stderr)
	if err != nil {
		return err
	}
	b.binaries[p.Name] = path
	in, err := b.startInstance(ctx, p, b.roomy())
	if err != nil {
		return err
	}
	defer in.stop()
	if err := checkBodies(ctx, in.place.Listen); err != nil {
		return fmt.Errorf("check %s: %w", p.Name, err)
	}
	return nil
}

// locate returns the path of a peer's program, after building it if need be.
func (b *bench) locate(ctx context.Context, p peer, stderr io.Writer) (string, error) {
	switch {
	case p.Name == lameduck && b.opts.Lameduck != "":
		return filepath.Abs(b.opts.Lameduck)
	case p.Build != "":
		output := filepath.Join(b.dir, p.Name)
		return output, buildBinary(ctx, p.Build, output)
	case p.Module != "":
		return peers.Path(ctx, p.Module, stderr)
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
	at := b.place
	at.Descriptors = b.appConnections() + otherFiles
	if at.Binary, err = appTool().path(); err != nil {
		return err
	}
	b.app, err = startApp(ctx, at, b.cores.Others)
	return err
}

// appConnections is how many connections meet at the app: the pools of all
// peers, and the idle ones of those that are measured together.
func (b *bench) appConnections() int {
	most := 0
	for _, c := range b.opts.Cases {
		most = max(most, c.Together*(c.Connections+spareConnections))
	}
	return most + len(b.opts.Peers)*(pool+throughputConnections)
}

// startInstance starts one more instance of a peer, for so many connections
// of clients.
func (b *bench) startInstance(ctx context.Context, p peer, connections int) (*instance, error) {
	at := b.place
	at.Binary = b.binaries[p.Name]
	at.limitTo(connections)
	return startInstance(ctx, p, at, b.cores.Proxy)
}

// instance returns the one of a peer that stays for the whole run, and starts
// it when it is needed for the first time.
func (b *bench) instance(ctx context.Context, p peer) (*instance, error) {
	if in := b.instances[p.Name]; in != nil {
		return in, nil
	}
	in, err := b.startInstance(ctx, p, b.roomy())
	if err == nil {
		b.instances[p.Name] = in
	}
	return in, err
}

// roomy is roomyConnections, or what a process can bear here.
func (b *bench) roomy() int { return fitting(roomyConnections, b.opts.Files) }

// errInterrupted is what a run that was told to stop ends with.
var errInterrupted = errors.New("interrupted")

// measure walks the plan and keeps what each step yields.
func (b *bench) measure(ctx context.Context, show *progress) error {
	steps := plan(b.opts)
	defer show.clear()
	for i, s := range steps {
		show.step(steps, i, time.Since(b.began))
		measurements, err := s.Case.measure(ctx, b, s)
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return fmt.Errorf("measure %s of %s: %w", s.Case.Name, strings.Join(peerNames(s.Peers), ", "), err)
		}
		if !s.discarded() {
			b.results.add(s, measurements)
		}
	}
	b.results.derive(b.opts.Cases)
	return nil
}
