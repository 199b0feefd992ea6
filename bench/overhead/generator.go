package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A generator makes load for the given time, from the cores in set, to the
// listener of a place.
type generator interface {
	send(ctx context.Context, at place, d time.Duration, set unix.CPUSet) (outcome, error)
}

// runOn runs a program to its end on the cores in set and returns what it has
// printed to stdout.
func runOn(ctx context.Context, set unix.CPUSet, env []string, program string, args ...string) ([]byte, error) {
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &complaints, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us alone
	name := filepath.Base(program)
	if err := startOn(set, cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("run %s: %w: %s", name, err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out.Bytes(), nil
}
