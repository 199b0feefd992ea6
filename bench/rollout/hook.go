package rollout

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"

	"lameduck/bench/internal/wait"
)

// A Hook is a preStop handler.
type Hook interface {
	// Run runs the hook of the given container and waits for its end. ctx is done when the
	// container of an Exec hook has ended, and when the whole pod has ended for other hooks.
	Run(ctx context.Context, in Container) error
}

// HTTPGet is a hook that makes a GET request and waits for the response without a timeout. Like the
// kubelet, it ignores the status.
type HTTPGet struct{ URL string }

// Run fails only if there is no response.
func (h HTTPGet) Run(ctx context.Context, _ Container) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return fmt.Errorf("httpGet hook: %w", err)
	}
	req.Header.Set("User-Agent", "kube-lifecycle/1.36")
	req.Header.Set("Accept", "*/*")
	t := &http.Transport{DisableKeepAlives: true}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("httpGet hook: %w", err)
	}
	defer resp.Body.Close()
	// The kubelet reads up to 10 KiB of the response.
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 10<<10)); err != nil {
		return fmt.Errorf("httpGet hook: read response: %w", err)
	}
	return nil
}

// Exec is a hook that runs a program in the container, with the container's environment.
type Exec struct {
	Path string
	Args []string
}

// Run fails if the program cannot be run, is killed because ctx is done, or exits with a code other
// than 0. The error contains the program's output.
func (h Exec) Run(ctx context.Context, in Container) error {
	cmd := exec.CommandContext(ctx, h.Path, h.Args...)
	cmd.Env = in.Env
	// Processes that the program leaves running may hold its output open. Do not wait for them.
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("exec hook %s: %w: %s", h.Path, err, bytes.TrimSpace(out))
	}
	return nil
}

// Sleep is a hook that sleeps for the given time.
type Sleep time.Duration

// Run fails if ctx is done first.
func (h Sleep) Run(ctx context.Context, _ Container) error {
	if err := wait.For(ctx, time.Duration(h)); err != nil {
		return fmt.Errorf("sleep hook: %w", err)
	}
	return nil
}
