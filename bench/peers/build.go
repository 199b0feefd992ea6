package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Path returns the path of a program. If the program has not been built yet, it builds it and
// writes its progress to progress.
func Path(ctx context.Context, name Name, progress io.Writer) (string, error) {
	path, err := cached(name)
	if err != nil || Built(name) {
		return path, err
	}
	return path, Build(ctx, name, path, progress)
}

// Build builds a program into the file output, even if it has been built before.
func Build(ctx context.Context, name Name, output string, progress io.Writer) error {
	s, known := sources[name]
	if !known {
		_, err := cached(name)
		return err
	}
	began := time.Now()
	fmt.Fprintf(progress, "%s %s: building from the Go module proxy, once\n", name, s.version)
	if err := s.build(ctx, output, &counter{w: progress, name: name}); err != nil {
		return fmt.Errorf("build %s %s: %w", name, s.version, err)
	}
	fmt.Fprintf(progress, "%s %s: built in %v\n", name, s.version, time.Since(began).Round(time.Second))
	return nil
}

// build builds in a scratch directory next to the output, so that the output is never incomplete.
func (s source) build(ctx context.Context, output string, progress io.Writer) error {
	output, err := filepath.Abs(output)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(output), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	dir, err := s.download(ctx)
	if err != nil {
		return err
	}
	if len(s.patch) > 0 {
		if dir, err = s.patch.copy(dir, filepath.Join(scratch, "source")); err != nil {
			return err
		}
	}
	program := filepath.Join(scratch, "program")
	if err := compile(ctx, dir, s.pkg, program, progress); err != nil {
		return err
	}
	return os.Rename(program, output)
}

// download returns the module's directory in the module cache, which is read-only.
func (s source) download(ctx context.Context) (string, error) {
	cmd := goCommand(ctx, os.TempDir(), "mod", "download", "-json", s.module+"@"+s.version)
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if parsed := json.Unmarshal(out, &module); parsed != nil {
		return "", errors.Join(err, parsed)
	}
	if module.Error != "" {
		return "", fmt.Errorf("download: %s", module.Error)
	}
	return module.Dir, err
}

// compile builds a program of the module in dir. It uses one processor at low priority, since it
// may take minutes.
func compile(ctx context.Context, dir, pkg, output string, progress io.Writer) error {
	cmd := goCommand(ctx, dir,
		"build", "-v", "-p", "1", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", output, pkg)
	var stderr bytes.Buffer
	cmd.Stderr = io.MultiWriter(&stderr, progress)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w:\n%s", err, tail(stderr.Bytes()))
	}
	return nil
}

// goCommand returns a go command in the module of a directory, without a workspace. It is
// interrupted when ctx is done.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"go"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// tail returns the end of a build's output, which has the reason of its failure.
func tail(output []byte) []byte {
	const enough = 2000
	return bytes.TrimSpace(output[max(0, len(output)-enough):])
}
