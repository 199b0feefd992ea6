package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"strings"
)

// binaryCase measures the size of the program's file without symbols.
func binaryCase() benchCase {
	return benchCase{
		Name:       "binary",
		Title:      "size of the stripped binary",
		Standalone: true,
		Metrics:    []metric{{Name: "size", Title: "stripped binary", Unit: "MB", Digits: 1}},
		measure: func(_ context.Context, b *bench, s step) ([]measurement, error) {
			size, err := strippedSize(b.binaries[s.Peers[0].Name])
			return []measurement{{Values: map[string]float64{"size": size / 1e6}}}, err
		},
	}
}

// strippedSize returns the size in bytes of a file without what strip(1) removes: the symbol table
// and all debug sections.
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
		if isDebugSection(s) {
			size -= int64(s.FileSize)
		}
	}
	return float64(size), nil
}

func isDebugSection(s *elf.Section) bool {
	return s.Type == elf.SHT_SYMTAB || s.Name == ".strtab" ||
		strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".zdebug_")
}
