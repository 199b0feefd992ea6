package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	progress "lameduck/bench/internal/plan"
	"lameduck/bench/peers"
)

// A bench is one run: its processes, its files and what it has measured.
type bench struct {
	opts  options // its peers are those that can run, after prepare
	asked []string
	cores cores
	began time.Time
	dir   string // for everything this run writes, removed at its end

	place     place                  // what all instances have in common
	binaries  map[string]string      // by peer
	apps      map[protocol]*instance // once they are needed
	instances map[tenancy]*instance  // those that stay, likewise

	results results
}

// A tenancy is a peer with one of the protocols that it speaks.
type tenancy struct {
	peer   string
	spoken protocol
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
		place:     place{Dir: dir, Built: dir, Files: dir, Small: smallText()},
		binaries:  map[string]string{},
		apps:      map[protocol]*instance{},
		instances: map[tenancy]*instance{},
	}, nil
}

// close stops every process that was started and removes every file.
func (b *bench) close() error {
	for _, in := range b.instances {
		in.stop()
	}
	for _, app := range b.apps {
		app.stop()
	}
	return os.RemoveAll(b.dir)
}

// prepare starts the apps, builds what is to be built and makes sure of every
// peer.
func (b *bench) prepare(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintln(stderr, "building and starting", strings.Join(peerNames(b.opts.Peers), ", "))
	for _, note := range b.opts.Notes {
		fmt.Fprintln(stderr, note)
	}
	if err := b.startApps(ctx); err != nil {
		return err
	}
	if err := b.buildLoads(ctx); err != nil {
		return err
	}
	return b.sift(ctx, stderr,
		func(p peer) error { return b.find(ctx, p, stderr) },
		func(p peer, spoken protocol) error { return b.try(ctx, p, spoken) })
}

// buildLoads builds the programs of this module that make load.
func (b *bench) buildLoads(ctx context.Context) error {
	for _, program := range b.opts.programs() {
		if err := buildBinary(ctx, program, b.place.built(program)); err != nil {
			return err
		}
	}
	return nil
}

// startApps writes what the apps answer with, and starts those of the cases.
func (b *bench) startApps(ctx context.Context) error {
	if err := writeFiles(b.place.Files); err != nil {
		return fmt.Errorf("write the answers: %w", err)
	}
	for _, spoken := range b.opts.protocols() {
		if _, err := b.app(ctx, spoken); err != nil {
			return err
		}
	}
	return nil
}

// sift finds every peer's program, tries it with all that it is to speak, and
// leaves out what cannot run here, unless somebody has named the peers.
func (b *bench) sift(ctx context.Context, stderr io.Writer, find func(peer) error, try func(peer, protocol) error) error {
	var present []peer
	for _, p := range b.opts.Peers {
		if err := find(p); err != nil {
			if err := b.leaveOut(ctx, p, p.Name+" is left out", err, stderr); err != nil {
				return err
			}
			continue
		}
		var speaks []protocol
		for _, spoken := range b.opts.spokenBy(p) {
			err := try(p, spoken)
			if err == nil {
				speaks = append(speaks, spoken)
			} else if err := b.leaveOut(ctx, p, fmt.Sprintf("%s is left out of %s", p.Name, spoken), err, stderr); err != nil {
				return err
			}
		}
		if p.Speaks = speaks; len(speaks) > 0 {
			present = append(present, p)
		}
	}
	b.opts.Peers = present
	return nil
}

// leaveOut notes, in one line, why a peer is not measured, if it may be left
// out.
func (b *bench) leaveOut(ctx context.Context, p peer, what string, err error, stderr io.Writer) error {
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case b.opts.Named || p.Name == lameduck:
		return err
	}
	reason, _, _ := strings.Cut(err.Error(), "\n")
	note := what + ": " + reason
	fmt.Fprintln(stderr, note)
	b.results.notes = append(b.results.notes, note)
	return nil
}

// find notes the path of a peer's program.
func (b *bench) find(ctx context.Context, p peer, stderr io.Writer) error {
	path, err := b.locate(ctx, p, stderr)
	b.binaries[p.Name] = path
	return err
}

// try looks whether a peer does what it is to do.
func (b *bench) try(ctx context.Context, p peer, spoken protocol) error {
	in, err := b.startInstance(ctx, p, spoken, b.roomy())
	if err != nil {
		return err
	}
	defer in.stop()
	if err := spoken.check(ctx, in.place.Listen); err != nil {
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
		output := b.place.built(p.Build)
		return output, buildBinary(ctx, p.Build, output)
	case p.Module != "":
		return peers.Path(ctx, p.Module, stderr)
	case p.Tool != (tool{}):
		return p.Tool.path()
	}
	return "", nil // direct has no program
}

// appConnections is how many connections meet at an app: the pools of all
// peers, and the idle ones of those that are measured together.
func (b *bench) appConnections() int {
	most := 0
	for _, c := range b.opts.Cases {
		most = max(most, c.Together*(c.Connections+spareConnections))
	}
	return most + len(b.opts.Peers)*(pool+throughputConnections)
}

// startInstance starts one more instance of a peer, for so many connections
// of clients that speak the protocol.
func (b *bench) startInstance(ctx context.Context, p peer, spoken protocol, connections int) (*instance, error) {
	app, err := b.app(ctx, spoken)
	if err != nil {
		return nil, err
	}
	at := b.place
	at.Protocol, at.App = spoken, app.place.Listen
	at.Binary = b.binaries[p.Name]
	at.limitTo(connections)
	return startInstance(ctx, p, at, b.cores.Proxy)
}

// instance returns the one of a peer that stays for the whole run, and starts
// it when it is needed for the first time.
func (b *bench) instance(ctx context.Context, p peer, spoken protocol) (*instance, error) {
	key := tenancy{p.Name, spoken}
	if in := b.instances[key]; in != nil {
		return in, nil
	}
	in, err := b.startInstance(ctx, p, spoken, b.roomy())
	if err == nil {
		b.instances[key] = in
	}
	return in, err
}

// roomy is roomyConnections, or what a process can bear here.
func (b *bench) roomy() int { return fitting(roomyConnections, b.opts.Files) }

// errInterrupted is what a run that was told to stop ends with.
var errInterrupted = errors.New("interrupted")

// measure walks the plan and keeps what each step yields.
func (b *bench) measure(ctx context.Context, show progress.Display) error {
	steps := plan(b.opts)
	defer show.Finish()
	begin := time.Now()
	for i, s := range steps {
		done := time.Since(begin)
		show.Show(s.String(), done, done+timeLeft(steps, i, done)) // once: a bar that moves would cost CPU
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
