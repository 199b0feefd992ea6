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

// Hook is a preStop handler.
type Hook interface {
	// Run returns when the hook has ended. The container is the one that it belongs to; ctx is done when what the
	// hook runs in is gone: the container for an Exec hook, the whole pod for the others.
	Run(ctx context.Context, in Container) error
}

// HTTPGet is a hook that makes a GET request and waits for the answer for as long as it takes. As with the kubelet
// the status of the answer does not matter.
type HTTPGet struct{ URL string }

// Run fails only when no answer comes.
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
	// The kubelet reads up to 10 KiB of the answer.
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 10<<10)); err != nil {
		return fmt.Errorf("httpGet hook: read answer: %w", err)
	}
	return nil
}

// Exec is a hook that runs a program in the container, and so with the container's environment.
type Exec struct {
	Path string
	Args []string
}

// Run fails when the program cannot be run, is ended by ctx or exits with another code than 0; the error carries
// what the program wrote.
func (h Exec) Run(ctx context.Context, in Container) error {
	cmd := exec.CommandContext(ctx, h.Path, h.Args...)
	cmd.Env = in.Env
	// Whatever the program leaves running may hold its output open; do not wait for that.
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("exec hook %s: %w: %s", h.Path, err, bytes.TrimSpace(out))
	}
	return nil
}

// Sleep is a hook that lets the given time pass.
type Sleep time.Duration

// Run fails when ctx is done before the time has passed.
func (h Sleep) Run(ctx context.Context, _ Container) error {
	if err := wait.For(ctx, time.Duration(h)); err != nil {
		return fmt.Errorf("sleep hook: %w", err)
	}
	return nil
}
