package main

import (
	"bytes"
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

// A machine is what the numbers depend on besides the programs themselves.
type machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Kernel   string            `json:"kernel"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"` // of programs from packages
}

// describeMachine asks the programs from packages among the binaries for
// their versions.
func describeMachine(binaries map[string]string) machine {
	m := machine{
		CPU:      cpuModel(),
		Cores:    runtime.NumCPU(),
		Kernel:   kernelRelease(),
		Go:       runtime.Version(),
		Versions: map[string]string{},
	}
	for _, p := range allPeers() {
		if path := binaries[p.Name]; path != "" && p.Tool != (tool{}) {
			m.Versions[p.Tool.Program] = programVersion(path)
		}
	}
	return m
}

func (m machine) String() string {
	parts := []string{fmt.Sprintf("%s, %d cores", m.CPU, m.Cores), "Linux " + m.Kernel, m.Go}
	for _, program := range slices.Sorted(maps.Keys(m.Versions)) {
		parts = append(parts, program+" "+m.Versions[program])
	}
	return strings.Join(parts, ", ")
}

// cpuModel is what the kernel calls the first core, or its architecture where
// the kernel has no name for it.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // unreadable: the same as nameless
	if m := regexp.MustCompile(`(?m)^model name\s*: (.+)$`).FindSubmatch(text); m != nil {
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

// programVersion is the first version number that the program prints when
// called with -v, as nginx and haproxy do.
func programVersion(path string) string {
	text, _ := exec.Command(path, "-v").CombinedOutput() // no output: no version
	return string(regexp.MustCompile(`\d+\.\d+[.\d]*`).Find(text))
}
