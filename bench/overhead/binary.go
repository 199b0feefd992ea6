package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// binaryCase measures the size of the program's file without symbols.
func binaryCase() benchCase {
	return benchCase{
		Name:    "binary",
		Title:   "size of the stripped binary",
		Apart:   true,
		Metrics: []metric{{Name: "size", Title: "stripped binary", Unit: "MB", Digits: 1}},
		measure: func(_ context.Context, b *bench, s step) ([]measurement, error) {
			size, err := strippedSize(b.binaries[s.Peers[0].Name])
			return []measurement{{Values: map[string]float64{"size": size / 1e6}}}, err
		},
	}
}

// strippedSize is the size in bytes that a file has without what strip(1)
// takes out: the symbol table and all sections for debuggers.
func strippedSize(path string) (float64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	file, err := elf.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	defer file.Close()
	size := info.Size()
	for _, s := range file.Sections {
		if isForDebuggers(s) {
			size -= int64(s.FileSize)
		}
	}
	return float64(size), nil
}

func isForDebuggers(s *elf.Section) bool {
	return s.Type == elf.SHT_SYMTAB || s.Name == ".strtab" ||
		strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".zdebug_")
}

// buildBinary builds a program of this module the way a release is: static,
// without symbols and without the paths of this machine.
func buildBinary(ctx context.Context, importPath, output string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", output, importPath)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", importPath, err, strings.TrimSpace(string(text)))
	}
	return nil
}
