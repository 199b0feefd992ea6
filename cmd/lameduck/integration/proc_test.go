package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// descendants describes the processes that a process has started and that still run.
func descendants(pid int) []string {
	var left []string
	for _, p := range processes() {
		if p.parent == pid && p.state != "Z" {
			left = append(left, fmt.Sprintf("%d (%s)", p.pid, p.name))
			left = append(left, descendants(p.pid)...)
		}
	}
	return left
}

// killTree kills a process and its descendants. It stops each process first, so that it cannot
// replace a child.
func killTree(pid int) {
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	for _, p := range processes() {
		if p.parent == pid {
			killTree(p.pid)
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// A processInfo is the state of a process in /proc.
type processInfo struct {
	pid, parent, group int
	name, state        string
}

func processes() []processInfo {
	var all []processInfo
	dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, d := range dirs {
		stat, err := os.ReadFile(d)
		if err != nil {
			continue // the process has ended
		}
		if p, ok := parseStat(string(stat)); ok {
			all = append(all, p)
		}
	}
	return all
}

// parseStat parses /proc/PID/stat. The name is in parentheses and may contain any character.
func parseStat(stat string) (p processInfo, ok bool) {
	opening, closing := strings.Index(stat, "("), strings.LastIndex(stat, ")")
	if opening < 0 || closing < opening {
		return p, false
	}
	p.name = stat[opening+1 : closing]
	if _, err := fmt.Sscan(stat[:opening], &p.pid); err != nil {
		return p, false
	}
	_, err := fmt.Sscan(stat[closing+1:], &p.state, &p.parent, &p.group)
	return p, err == nil
}

// findProcess returns the state of a process. ok is true if the process exists, even as a zombie.
func findProcess(pid int) (processInfo, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processInfo{}, false
	}
	return parseStat(string(stat))
}

// onlyChild waits until the child of a process has started its program.
func onlyChild(t *testing.T, parent int) (pid int) {
	t.Helper()
	own, _ := findProcess(parent)
	eventually(t, "there is a child", func() bool {
		for _, p := range processes() {
			if p.parent == parent && p.name != own.name {
				pid = p.pid
			}
		}
		return pid != 0
	})
	return pid
}

// namespacePID returns the PID of a process in its innermost namespace.
func namespacePID(t *testing.T, pid int) string {
	t.Helper()
	f := strings.Fields(statusLine(t, pid, "NSpid"))
	return f[len(f)-1]
}

// ignores reports whether a process ignores a signal.
func ignores(t *testing.T, pid int, s syscall.Signal) bool {
	t.Helper()
	mask, err := strconv.ParseUint(statusLine(t, pid, "SigIgn"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return mask&(1<<(s-1)) != 0
}

// statusLine returns the value of a line of /proc/PID/status.
func statusLine(t *testing.T, pid int, key string) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(l, key+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no %s in /proc/%d/status", key, pid)
	return ""
}

// findChild waits until a process has a child with a name, and returns its PID.
func findChild(t *testing.T, parent int, name string) (pid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d has a child %s", parent, name), func() bool {
		for _, p := range processes() {
			if p.parent == parent && p.name == name {
				pid = p.pid
			}
		}
		return pid != 0
	})
	return pid
}

// descriptors returns the open descriptors of a process and their targets.
func descriptors(t *testing.T, pid int) map[int]string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	open, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	targets := make(map[int]string)
	for _, f := range open {
		fd, _ := strconv.Atoi(f.Name())
		if target, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil { // otherwise it has been closed
			targets[fd] = target
		}
	}
	return targets
}

// limitDescriptors limits the open descriptors of a process and returns the limit that it had.
func limitDescriptors(t *testing.T, pid int, limit uint64) (before uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return old.Cur
}
