// Package machine describes what measurements depend on besides the programs that are measured.
package machine

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Description is a machine and the programs on it.
type Description struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Kernel   string            `json:"kernel"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"` // by program
}

// Describe describes this machine, without any program.
func Describe() Description {
	return Description{
		CPU: cpuModel(), Cores: runtime.NumCPU(), Kernel: kernelRelease(), Go: runtime.Version(),
		Versions: map[string]string{},
	}
}

// String describes the machine on one line.
func (d Description) String() string {
	parts := []string{fmt.Sprintf("%s, %d cores", d.CPU, d.Cores), "Linux " + d.Kernel, d.Go}
	for _, program := range slices.Sorted(maps.Keys(d.Versions)) {
		if d.Versions[program] != "" {
			parts = append(parts, program+" "+d.Versions[program])
		}
	}
	return strings.Join(parts, ", ")
}

var (
	modelName = regexp.MustCompile(`(?m)^model name\s*: (.+)$`)
	number    = regexp.MustCompile(`\d+\.\d+[.\d]*`)
)

// cpuModel returns the kernel's name of the first core, or the architecture if it has none.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the core has no name
	if m := modelName.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return runtime.GOARCH
}

func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "of unknown release"
	}
	return string(bytes.TrimRight(name.Release[:], "\x00"))
}

// Version returns the first version number that the program at path prints when it is called with
// args. If there is none, it returns the last word of the first line, since development versions
// have names, or "" if the program prints nothing.
func Version(ctx context.Context, path string, args ...string) string {
	text, _ := exec.CommandContext(ctx, path, args...).CombinedOutput() // no output means no version
	line, _, _ := strings.Cut(string(text), "\n")
	if v := number.FindString(line); v != "" && !strings.HasPrefix(v, "0.0.") {
		return v
	}
	return line[strings.LastIndex(line, " ")+1:]
}

// GuessVersion is Version for a program that is asked in each of the common ways. It returns "" if
// none of them succeeds with a version number.
func GuessVersion(ctx context.Context, path string) string {
	for _, argument := range []string{"-v", "version", "--version"} {
		text, err := exec.CommandContext(ctx, path, argument).CombinedOutput()
		if v := number.Find(text); err == nil && v != nil {
			return string(v)
		}
	}
	return ""
}
