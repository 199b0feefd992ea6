package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"lameduck/bench/balancer"
	"lameduck/bench/internal/plan"
	"lameduck/bench/internal/program"
	"lameduck/bench/peers"
	"lameduck/bench/trial"
)

// programsName is the directory of the programs that were built.
const programsName = "programs"

// build builds the programs without a flag, and the peers that cells need. The cells of a peer that
// cannot be built are left out.
func (m *matrix) build(ctx context.Context, o options, dir string) error {
	m.programs = trial.Programs{App: o.app, Lameduck: o.lameduck}
	for _, b := range []struct {
		path *string
		pkg  string
	}{
		{&m.programs.App, "lameduck/bench/app"},
		{&m.programs.Lameduck, "lameduck/cmd/lameduck"},
	} {
		if *b.path != "" {
			continue
		}
		*b.path = filepath.Join(dir, programsName, filepath.Base(b.pkg))
		if err := program.Build(ctx, b.pkg, *b.path); err != nil {
			return fmt.Errorf("%w (or set -app and -lameduck)", err)
		}
	}
	m.buildPeers(ctx, o.chosen())
	var err error
	m.binary, err = identity(ctx, m.programs.Lameduck)
	return err
}

// buildPeers builds the peers that cells need and that Debian does not package.
func (m *matrix) buildPeers(ctx context.Context, cells []cell) {
	for _, p := range []struct {
		name peers.Name
		path *string
	}{
		{peers.Traefik, &m.programs.Traefik},
		{peers.QueueProxy, &m.programs.QueueProxy},
	} {
		if !slices.ContainsFunc(cells, func(c cell) bool { return c.strategy.program == string(p.name) }) {
			continue
		}
		path, err := peers.Path(ctx, p.name, displayWriter{m.display})
		if err != nil {
			m.display.Print(fmt.Sprintf("%s cannot be built: %v", p.name, err))
			continue
		}
		*p.path = path
	}
}

// identity identifies a build of lameduck.
func identity(ctx context.Context, path string) (string, error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read lameduck: %w", err)
	}
	version, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "", fmt.Errorf("get the version of %s: %w", path, err)
	}
	sum := sha256.Sum256(binary)
	return fmt.Sprintf("%s, sha256 %s", bytes.TrimSpace(version), hex.EncodeToString(sum[:6])), nil
}

// requireBalancers returns an error that lists the load balancers that have to be installed. nginx
// and HAProxy are required, since a matrix without them is useless.
func (o options) requireBalancers() error {
	var missing []string
	for _, k := range kindsOfSmall() {
		needed := slices.ContainsFunc(o.chosen(), func(c cell) bool { return c.config.Balancer == k })
		if why := k.Missing(); why != "" && needed {
			missing = append(missing, why)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// programOf returns the program of a load balancer, or "" if it has none.
func programOf(k balancer.Kind) string {
	switch k {
	case balancer.BuiltIn:
		return ""
	case balancer.HAProxyReload:
		return "haproxy"
	}
	return string(k)
}

// A displayWriter prints lines on a display.
type displayWriter struct{ plan.Display }

func (s displayWriter) Write(line []byte) (int, error) {
	s.Print(strings.TrimSpace(string(line)))
	return len(line), nil
}
