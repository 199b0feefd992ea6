// Package jsonfile reads and writes results as JSON.
package jsonfile

import (
	"encoding/json"
	"fmt"
	"os"
)

// Read reads the file at path. The error is [os.ErrNotExist] if there is none.
func Read[T any](path string) (*T, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("read %s: %w (written by another version? remove it)", path, err)
	}
	return v, nil
}

// Write writes v to the file at path, indented.
func Write(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
