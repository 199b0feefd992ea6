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
	"lameduck/bench/internal/program"
	"lameduck/bench/peers"
)

// A bench is one run: its processes, its files and its measurements.
type bench struct {
	opts  options // after prepare, only with peers that can run
	asked []string
	cores cores
	began time.Time
	dir   string // for all files of this run, removed at its end

	paths     paths                      // common to all instances
	binaries  map[string]string          // by peer
	apps      map[protocol]*instance     // started on demand
	instances map[peerProtocol]*instance // started on demand

	perf    bool // instructions are counted
	results results
}

// A peerProtocol is a peer with one of the protocols that it speaks.
type peerProtocol struct {
	peer   string
	spoken protocol
}

// newBench returns a bench with its directory. The caller must close it.
func newBench(opts options) (*bench, error) {
	cores, err := shareCores()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lameduck-overhead-")
	if err != nil {
		return nil, fmt.Errorf("create a working directory: %w", err)
	}
	return &bench{
		opts:      opts,
		asked:     peerNames(opts.Peers),
		results:   results{notes: opts.Notes},
		cores:     cores,
		began:     time.Now(),
		dir:       dir,
		paths:     paths{Dir: dir, Built: dir, Files: dir, Certs: dir, Small: smallText()},
		binaries:  map[string]string{},
		apps:      map[protocol]*instance{},
		instances: map[peerProtocol]*instance{},
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

// prepare starts the apps, builds the programs and checks every peer.
func (b *bench) prepare(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintln(stderr, "building and starting", strings.Join(peerNames(b.opts.Peers), ", "))
	for _, note := range b.opts.Notes {
		fmt.Fprintln(stderr, note)
	}
	if b.perf = b.opts.Regress && canCountInstructions(ctx, b.cores.Others); b.opts.Regress && !b.perf {
		fmt.Fprintln(stderr, "perf cannot count instructions here: CPU times are compared instead")
	}
	if err := b.startApps(ctx); err != nil {
		return err
	}
	if err := b.buildLoads(ctx); err != nil {
		return err
	}
	return b.dropUnavailable(ctx, stderr,
		func(p peer) error { return b.find(ctx, p, stderr) },
		func(p peer, spoken protocol) error { return b.try(ctx, p, spoken) })
}

// buildLoads builds the load generators of this module.
func (b *bench) buildLoads(ctx context.Context) error {
	for _, path := range b.opts.programs() {
		if err := program.Build(ctx, path, b.paths.built(path)); err != nil {
			return err
		}
	}
	return nil
}

// startApps writes the files that the apps serve, and starts the apps of the cases.
func (b *bench) startApps(ctx context.Context) error {
	if err := writeFiles(b.paths.Files); err != nil {
		return fmt.Errorf("write the files of the apps: %w", err)
	}
	if err := writeCertificate(b.paths.Certs); err != nil {
		return fmt.Errorf("write the certificate of the peers: %w", err)
	}
	for _, spoken := range b.opts.protocols() {
		if _, err := b.app(ctx, spoken); err != nil {
			return err
		}
	}
	return nil
}

// dropUnavailable finds every peer's program and tries it with all its protocols. It leaves out
// peers and protocols that do not work here, unless the peers were named.
func (b *bench) dropUnavailable(
	ctx context.Context, stderr io.Writer, find func(peer) error, try func(peer, protocol) error,
) error {
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
				continue
			}
			what := fmt.Sprintf("%s is left out of %s", p.Name, spoken)
			if err := b.leaveOut(ctx, p, what, err, stderr); err != nil {
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

// leaveOut notes in one line why a peer is not measured. It returns the error if the peer must not
// be left out.
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

// find sets the path of a peer's program.
func (b *bench) find(ctx context.Context, p peer, stderr io.Writer) error {
	path, err := b.locate(ctx, p, stderr)
	b.binaries[p.Name] = path
	return err
}

// try starts a peer and checks its responses.
func (b *bench) try(ctx context.Context, p peer, spoken protocol) error {
	in, err := b.startInstance(ctx, p, spoken, b.roomy())
	if err != nil {
		return err
	}
	defer in.stop()
	if err := spoken.check(ctx, in.paths.Listen); err != nil {
		return fmt.Errorf("check %s: %w", p.Name, err)
	}
	return nil
}

// locate returns the path of a peer's program. It builds the program if necessary.
func (b *bench) locate(ctx context.Context, p peer, stderr io.Writer) (string, error) {
	switch {
	case p.Name == lameduck && b.opts.Lameduck != "":
		return filepath.Abs(b.opts.Lameduck)
	case p.Build != "":
		output := b.paths.built(p.Build)
		return output, program.Build(ctx, p.Build, output)
	case p.Module != "":
		return peers.Path(ctx, p.Module, stderr)
	case p.Tool != (tool{}):
		return p.Tool.path()
	}
	return "", nil // direct has no program
}

// appConnections returns how many connections an app must accept: the pools of all peers, and the
// idle connections of those that are measured together.
func (b *bench) appConnections() int {
	most := 0
	for _, c := range b.opts.Cases {
		most = max(most, c.Batch*(c.Connections+spareConnections))
	}
	return most + len(b.opts.Peers)*(pool+throughputConnections)
}

// startInstance starts an instance of a peer for the given protocol and number of client
// connections.
func (b *bench) startInstance(ctx context.Context, p peer, spoken protocol, connections int) (*instance, error) {
	app, err := b.app(ctx, spoken)
	if err != nil {
		return nil, err
	}
	at := b.paths
	at.Protocol, at.App = spoken, app.paths.Listen
	at.Binary = b.binaries[p.Name]
	at.limitTo(connections)
	return startInstance(ctx, p, at, b.cores.Proxy)
}

// instance returns the instance of a peer that runs for the whole run. It starts the instance at
// the first call.
func (b *bench) instance(ctx context.Context, p peer, spoken protocol) (*instance, error) {
	key := peerProtocol{p.Name, spoken}
	if in := b.instances[key]; in != nil {
		return in, nil
	}
	in, err := b.startInstance(ctx, p, spoken, b.roomy())
	if err == nil {
		b.instances[key] = in
	}
	return in, err
}

// roomy returns roomyConnections, or fewer if a process cannot have so many here.
func (b *bench) roomy() int { return fitting(roomyConnections, b.opts.Files) }

// errInterrupted is the error of an interrupted run.
var errInterrupted = errors.New("interrupted")

// measure runs the plan and keeps the measurements of each step.
func (b *bench) measure(ctx context.Context, show progress.Display) error {
	steps := plan(b.opts)
	defer show.Finish()
	begin := time.Now()
	for i, s := range steps {
		done := time.Since(begin)
		// Once for each step, since a moving bar would use CPU.
		show.Show(s.String(), done, done+timeLeft(steps, i, done))
		measurements, err := b.measureStep(ctx, s)
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return fmt.Errorf("measure %s of %s: %w",
				s.Case.Name, strings.Join(peerNames(s.Peers), ", "), err)
		}
		if !s.discarded() {
			b.results.add(s, measurements)
		}
	}
	b.results.derive(b.opts.Cases)
	return nil
}

// measureStep measures a step. If it fails, it is measured once more, with a note: on a busy machine
// a short load may get no response at all, which must not end a long run.
func (b *bench) measureStep(ctx context.Context, s step) ([]measurement, error) {
	measurements, err := s.Case.measure(ctx, b, s)
	if err == nil || ctx.Err() != nil {
		return measurements, err
	}
	b.results.notes = append(b.results.notes, fmt.Sprintf("%s: repeated, since it failed: %v", s, err))
	return s.Case.measure(ctx, b, s)
}
