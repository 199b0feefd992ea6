package main

import (
	"fmt"
	"slices"
	"strings"

	"lameduck/bench/internal/program"
)

// A tool is a program that comes from a Debian package.
type tool struct {
	Program string
	Package string
}

func wrkTool() tool { return tool{"wrk", "wrk"} }

// requireTools returns an error with the packages of all missing tools.
func requireTools(tools []tool) error {
	var missing []string
	for _, t := range tools {
		if _, err := t.path(); err != nil && !slices.Contains(missing, t.Package) {
			missing = append(missing, t.Package)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("missing Debian packages: apt-get install %s", strings.Join(missing, " "))
}

// path returns the path of the program.
func (t tool) path() (string, error) {
	path, err := program.Find(t.Program)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: apt-get install %s", t.Program, t.Package)
	}
	return path, nil
}
