package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// A tool is a program that comes from a Debian package.
type tool struct {
	Program string
	Package string
}

func wrkTool() tool { return tool{"wrk", "wrk"} }

// requireTools names, in one line, the packages of all tools that are missing.
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

// path returns where the program is. Debian keeps servers in /usr/sbin, which
// is not in the PATH of ordinary users.
func (t tool) path() (string, error) {
	for _, name := range []string{t.Program, "/usr/sbin/" + t.Program} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: apt-get install %s", t.Program, t.Package)
}
