//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// kubectl runs a command that must succeed, and returns its output.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	said, err := tryKubectl(t.Context(), "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func tryKubectl(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	cmd.Stdin = strings.NewReader(input)
	var errors strings.Builder
	cmd.Stderr = &errors
	said, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, errors.String())
	}
	return string(said), err
}

// get returns an object.
func get[T any](t *testing.T, args ...string) (object T) {
	t.Helper()
	if err := json.Unmarshal([]byte(kubectl(t, append([]string{"get", "-o", "json"}, args...)...)),
		&object); err != nil {
		t.Fatal(err)
	}
	return object
}

// event is an event of a watch.
type event[T any] struct {
	Type   string
	Object T
}

// watch calls a function with each event, one at a time, until ctx is done. It returns when the
// watch has begun.
func watch[T any](ctx context.Context, t *testing.T, see func(event[T]), args ...string) {
	t.Helper()
	args = append([]string{"get", "--watch", "--output-watch-events", "-o", "json"}, args...)
	follow(ctx, t, func(r io.Reader) {
		for d := json.NewDecoder(r); ; {
			var e event[T]
			if d.Decode(&e) != nil {
				return
			}
			see(e)
		}
	}, args...)
}

// follow runs kubectl with its output going to a function until either ends or ctx is done.
func follow(ctx context.Context, t *testing.T, read func(io.Reader), args ...string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Errorf("kubectl %s: %v", strings.Join(args, " "), err)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		read(out)
		cmd.Wait()
	}()
	context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	t.Cleanup(func() { <-done })
}

// pause waits for a time, where there is no event to wait for.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
