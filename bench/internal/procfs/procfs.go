// Package procfs reads /proc of processes that may end at any moment.
package procfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// ErrEnded is the error of a process that has ended, whether its parent has waited for it or not.
var ErrEnded = errors.New("process has ended")

// Read returns a file of a process, such as "stat" or "smaps_rollup".
func Read(pid int, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
	switch {
	case hasEnded(err):
		return "", ErrEnded
	case err != nil:
		return "", err
	case len(text) == 0: // a process that is a zombie has no memory, command or environment
		return "", ErrEnded
	}
	return string(text), nil
}

// hasEnded reports whether an error means that the process is not there: its directory is not, or
// it disappeared after the file was opened.
func hasEnded(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// List returns the numbers of all processes. Each may have ended when it is looked at.
func List() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Descriptors returns what the open descriptors of a process refer to, such as "socket:[1234]".
func Descriptors(pid int) ([]string, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	fds, err := os.ReadDir(dir)
	if hasEnded(err) {
		return nil, ErrEnded
	}
	if err != nil {
		return nil, err
	}
	var targets []string
	for _, fd := range fds {
		// The error is that of a descriptor that has been closed since it was listed.
		if target, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
			targets = append(targets, target)
		}
	}
	return targets, nil
}
