// Package cgroup reads the memory limit of the control group that this process is in, of version 1
// or 2.
package cgroup

import (
	"bufio"
	"bytes"
	"io/fs"
	"iter"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// MemoryLimit returns the memory limit of this process in bytes: the lowest of its control group
// and of those above. ok is false if there is none.
func MemoryLimit() (limit int64, ok bool) { return memoryLimit(os.DirFS("/")) }

// A hierarchy is the memory hierarchy of a version of control groups.
type hierarchy struct {
	fileSystem string // type of the mount
	controller string // in /proc/self/cgroup and in the mount's options
	limitFile  string
}

var hierarchies = []hierarchy{
	{"cgroup", "memory", "memory.limit_in_bytes"},
	{"cgroup2", "", "memory.max"},
}

func memoryLimit(root fs.FS) (limit int64, ok bool) {
	limit = math.MaxInt64
	for _, h := range hierarchies {
		mount, ok := h.mount(root)
		if !ok {
			continue
		}
		for _, dir := range mount.upwardsFrom(h.group(root)) {
			limit = min(limit, readLimit(root, path.Join(dir, h.limitFile)))
		}
	}
	return limit, limit < unlimited
}

// unlimited is less than the limit that version 1 reports if there is none, and more than any
// machine has.
const unlimited = 1 << 60

// readLimit returns the number in a file, or math.MaxInt64 if there is none.
func readLimit(root fs.FS, name string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(readFile(root, name)), 10, 64)
	if err != nil || n <= 0 {
		return math.MaxInt64 // no file, or "max"
	}
	return n
}

// readFile returns the text of a file, or nothing if it cannot be read.
func readFile(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
	if err != nil {
		return ""
	}
	return string(bytes.TrimRight(b, "\x00"))
}

// lines returns the lines of a file, or none if it cannot be read. A node has many mounts, so the
// file is not read as a whole.
func lines(root fs.FS, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		file, err := root.Open(strings.TrimPrefix(name, "/"))
		if err != nil {
			return
		}
		defer func() { _ = file.Close() }()
		for r := bufio.NewReader(file); err == nil; {
			var line string
			if line, err = r.ReadString('\n'); line != "" && !yield(strings.TrimRight(line, "\n\x00")) {
				return
			}
		}
	}
}

// group returns the path of the process's group in the hierarchy.
func (h *hierarchy) group(root fs.FS) string {
	for l := range lines(root, "proc/self/cgroup") {
		// number:controllers:path
		f := strings.SplitN(l, ":", 3)
		if len(f) == 3 && contains(f[1], h.controller) {
			return f[2]
		}
	}
	return "/"
}

// contains reports whether a list separated by commas has a member.
func contains(list, member string) bool {
	for m := range strings.SplitSeq(list, ",") {
		if m == member {
			return true
		}
	}
	return false
}

// A mount is where a hierarchy, or the part of it below root, is mounted.
type mount struct{ root, point string }

// mount finds the mount of the hierarchy.
func (h *hierarchy) mount(root fs.FS) (m mount, ok bool) {
	for l := range lines(root, "proc/self/mountinfo") {
		// 35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
		before, after, _ := strings.Cut(l, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if len(f) < 5 || len(g) < 3 || g[0] != h.fileSystem {
			continue
		}
		if h.controller == "" || contains(g[2], h.controller) {
			return mount{unescape(f[3]), unescape(f[4])}, true
		}
	}
	return m, false
}

// unescape replaces the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// upwardsFrom returns the mounted directories of a group and of all groups above it.
func (m mount) upwardsFrom(group string) (dirs []string) {
	below := strings.TrimPrefix(path.Clean("/"+group), "/")
	if r := strings.Trim(m.root, "/"); r != "" {
		// Without a namespace of control groups a container sees the path from the real root.
		if below != r && !strings.HasPrefix(below, r+"/") {
			below = r // outside of what is mounted
		}
		below = strings.Trim(strings.TrimPrefix(below, r), "/")
	}
	for dir := path.Join(m.point, below); ; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
		if dir == path.Clean(m.point) || dir == "/" {
			return dirs
		}
	}
}
