//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A ctl is a lameduckctl that runs.
type ctl struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// startCtl starts lameduckctl.
func startCtl(t *testing.T, args ...string) *ctl {
	t.Helper()
	c := &ctl{cmd: exec.CommandContext(t.Context(), filepath.Join(binaries(), "lameduckctl"), args...)}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// wait returns the output and the exit code.
func (c *ctl) wait(t *testing.T) (stdout, stderr string, code int) {
	t.Helper()
	err := c.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.stdout.String(), c.stderr.String(), c.cmd.ProcessState.ExitCode()
}

// interrupt sends SIGINT, like Ctrl-C.
func (c *ctl) interrupt(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// currentContext returns the name of the context of the kubeconfig.
func currentContext(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(kubectl(t, "config", "current-context"))
}
