package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"

	"golang.org/x/sys/unix"

	"lameduck/bench/matrix/record"
	"lameduck/bench/peers"
)

// describeMachine tells what the numbers depend on besides Lameduck.
func describeMachine(ctx context.Context, cells []cell) record.Machine {
	m := record.Machine{
		CPU: cpuModel(), Cores: runtime.NumCPU(), Kernel: kernelRelease(), Go: runtime.Version(),
		Versions: map[string]string{},
	}
	for _, c := range cells {
		for _, program := range []string{programOf(c.config.Balancer), c.way.program} {
			if program != "" && m.Versions[program] == "" {
				m.Versions[program] = version(ctx, program)
			}
		}
	}
	return m
}

// cpuModel is what the kernel calls the first core, or its architecture where the kernel has no name for it.
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

// version is the first version number that the program prints when asked in one of the usual ways, or the version that
// is built here. It is empty for a program that is not there.
func version(ctx context.Context, program string) string {
	if built := peers.Version(peers.Name(program)); built != "" {
		return built
	}
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			return ""
		}
	}
	for _, argument := range []string{"-v", "version", "--version"} {
		text, err := exec.CommandContext(ctx, path, argument).CombinedOutput()
		if v := regexp.MustCompile(`\d+\.\d+[.\d]*`).Find(text); err == nil && v != nil {
			return string(v)
		}
	}
	return ""
}
