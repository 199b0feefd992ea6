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

	"lameduck/bench/peers"
)

// A machine is what the numbers depend on besides the programs themselves.
type machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Kernel   string            `json:"kernel"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"` // by program
}

// describeMachine finds out the versions of the peers' programs, and of what
// makes the load and answers it.
func describeMachine(measured []peer, binaries map[string]string) machine {
	m := machine{
		CPU:      cpuModel(),
		Cores:    runtime.NumCPU(),
		Kernel:   kernelRelease(),
		Go:       runtime.Version(),
		Versions: map[string]string{},
	}
	for program, flag := range map[tool]string{wrkTool(): "-v", h2loadTool(): "--version", grpcApp().Tool: "--version"} {
		if path, err := program.path(); err == nil {
			m.Versions[program.Program] = programVersion(path, flag)
		}
	}
	for _, p := range measured {
		if version := p.version(binaries[p.Name]); version != "" {
			m.Versions[p.program()] = version
		}
	}
	return m
}

// program is the name that the peer shares with others which are the same
// program, configured in another way.
func (p peer) program() string {
	if p.Tool != (tool{}) {
		return p.Tool.Program
	}
	return p.Name
}

// version is empty for a peer whose program has none of its own.
func (p peer) version(path string) string {
	switch {
	case p.Module != "":
		return peers.Version(p.Module)
	case len(p.Version) > 0:
		return programVersion(path, p.Version...)
	}
	return ""
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
// called with the arguments, or else the last word of its first line: a
// development version has a name.
func programVersion(path string, args ...string) string {
	text, _ := exec.Command(path, args...).CombinedOutput() // no output: no version
	line, _, _ := strings.Cut(string(text), "\n")
	if number := regexp.MustCompile(`\d+\.\d+[.\d]*`).FindString(line); number != "" && !strings.HasPrefix(number, "0.0.") {
		return number
	}
	return line[strings.LastIndex(line, " ")+1:]
}
