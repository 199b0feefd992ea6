package integration

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"lameduck/cmd/lameduck/command"
)

// TestMain makes the test binary serve as five programs, by the name with which it is called:
// lameduck, the child of lameduck exec, the peers that are Go libraries, confine, and the tests. So
// lameduck is a process of its own, and has the race detector if the tests have it.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "lameduck":
		os.Exit(command.Main("test"))
	case "child":
		os.Exit(child(os.Args[1:]))
	case "peer":
		os.Exit(peer(os.Args[1:]))
	case "confine":
		os.Exit(confine(os.Args[1:]))
	}
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // programs that we start would inherit it from nohup
	}
	os.Exit(runTests(m))
}

// programs is the directory with the other names of this binary.
var programs string

// runTests runs the tests; goroutines and processes that they leave behind are failures.
func runTests(m *testing.M) int {
	// The tests wait most of the time. A flag on the command line has priority.
	_ = flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
	dir, err := linkPrograms()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	defer os.RemoveAll(dir)
	programs = dir
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // adopts the processes that lameduck leaves behind
	if code := m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailure
	}
	left := descendants(os.Getpid())
	for deadline := time.Now().Add(waitTimeout); len(left) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // one that was killed may not have ended yet
		left = descendants(os.Getpid())
	}
	if len(left) > 0 {
		fmt.Fprintln(os.Stderr, "processes are left behind:", strings.Join(left, ", "))
		return exitFailure
	}
	return exitOK
}

func linkPrograms() (dir string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "lameduck"); err != nil {
		return "", err
	}
	for _, name := range []string{"lameduck", "child", "peer", "confine"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return dir, err
		}
	}
	return dir, nil
}
