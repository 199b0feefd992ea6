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
	"lameduck/bench/peers"
	"lameduck/bench/trial"
)

// programsName is the directory of what was built.
const programsName = "programs"

// build makes the programs that were not given, and those peers that cells need. A peer that cannot be built is none:
// its cells say so.
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
		if err := goBuild(ctx, *b.path, b.pkg); err != nil {
			return err
		}
	}
	m.buildPeers(ctx, o.chosen())
	var err error
	m.binary, err = identity(ctx, m.programs.Lameduck)
	return err
}

// goBuild builds as releases are. The version is left out, so that the same source is the same program.
func goBuild(ctx context.Context, path, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w (run this inside the repository, or name the programs with -app and -lameduck)\n%s",
			pkg, err, bytes.TrimSpace(out))
	}
	return nil
}

// buildPeers builds what cells need and no package has.
func (m *matrix) buildPeers(ctx context.Context, cells []cell) {
	for _, p := range []struct {
		name peers.Name
		path *string
	}{
		{peers.Traefik, &m.programs.Traefik},
		{peers.QueueProxy, &m.programs.QueueProxy},
	} {
		if !slices.ContainsFunc(cells, func(c cell) bool { return c.way.program == string(p.name) }) {
			continue
		}
		path, err := peers.Path(ctx, p.name, sayer{m.display})
		if err != nil {
			m.display.Say(fmt.Sprintf("%s cannot be built: %v", p.name, err))
			continue
		}
		*p.path = path
	}
}

// identity tells one build of lameduck from another.
func identity(ctx context.Context, path string) (string, error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read lameduck: %w", err)
	}
	version, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	sum := sha256.Sum256(binary)
	return fmt.Sprintf("%s, sha256 %s", bytes.TrimSpace(version), hex.EncodeToString(sum[:6])), nil
}

// requireBalancers names, in one line, what has to be installed before any cell is tried: a matrix without nginx or HAProxy
// is none.
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

// programOf is the program of a load balancer, and empty where it has none.
func programOf(k balancer.Kind) string {
	switch k {
	case balancer.BuiltIn:
		return ""
	case balancer.HAProxyReload:
		return "haproxy"
	}
	return string(k)
}

// sayer passes lines on to a display.
type sayer struct{ plan.Display }

func (s sayer) Write(line []byte) (int, error) {
	s.Say(strings.TrimSpace(string(line)))
	return len(line), nil
}
