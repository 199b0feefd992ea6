package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build builds a program of this module like a release: static, without symbols and without the
// paths of this machine. It has no version, so that the same source gives the same program.
func Build(ctx context.Context, importPath, output string) error {
	cmd := exec.CommandContext(ctx,
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", output, importPath)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s inside the repository: %w: %s", importPath, err, bytes.TrimSpace(text))
	}
	return nil
}
