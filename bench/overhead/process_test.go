package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// allCores are those that the test may use.
func allCores(t *testing.T) unix.CPUSet {
	t.Helper()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// startShell runs a script as a process and stops it when the test ends.
func startShell(t *testing.T, script string) *process {
	t.Helper()
	p, err := startProcess("shell", []string{"/bin/sh", "-c", script}, nil, allCores(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func TestStopEndsTheWholeGroup(t *testing.T) {
	p := startShell(t, "sleep 60 & sleep 60")
	members, err := groupMembers(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	for _, pid := range members {
		for deadline := time.Now().Add(time.Second); isRunning(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) { // a killed child takes a moment to go
				t.Fatalf("process %d is still there after stop", pid)
			}
		}
	}
}

// isRunning says whether a process is neither gone nor dead and unclaimed.
func isRunning(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ") && !strings.Contains(string(text), ") X ")
}

func TestProcessesInheritNothingButPath(t *testing.T) {
	t.Setenv("GOGC", "5000")
	p := startShell(t, `env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^OLDPWD= -e ^SHLVL=`)
	<-p.donec
	if got := p.output.String(); got != "" {
		t.Errorf("the process has inherited %q", got)
	}
}

func TestProcessesAreBoundBeforeTheyBegin(t *testing.T) {
	cores, err := shareCores()
	if err != nil {
		t.Skip(err)
	}
	p, err := startProcess("grep", []string{"/bin/grep", "Cpus_allowed_list", "/proc/self/status"}, nil, cores.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	<-p.donec
	if got, want := p.output.String(), fmt.Sprintf("Cpus_allowed_list:\t%d", cores.ProxyID); got != want {
		t.Errorf("the process sees %q, want %q", got, want)
	}
}

func TestSplitCoresNeedsTwo(t *testing.T) {
	var one unix.CPUSet
	one.Set(3)
	if _, err := splitCores(one); err == nil {
		t.Error("one core was shared between proxy and load")
	}
	one.Set(70)
	c, err := splitCores(one)
	if err != nil || c.ProxyID != 70 || c.Proxy.Count() != 1 || !c.Others.IsSet(3) || c.Others.IsSet(70) {
		t.Errorf("splitCores of 3 and 70 = %+v, %v", c, err)
	}
}

func TestAwaitReadyWaitsForA200(t *testing.T) {
	begun := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(begun) < 50*time.Millisecond {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	p := startShell(t, "sleep 60")
	ask := func(ctx context.Context) error {
		_, err := fetch(ctx, overHTTP1(), server.URL)
		return err
	}
	if err := p.awaitReady(t.Context(), ask); err != nil {
		t.Error(err)
	}
	if time.Since(begun) < 50*time.Millisecond {
		t.Error("a server that answers 503 counted as ready")
	}
}

func TestAwaitReadyTellsWhyAProcessEnded(t *testing.T) {
	p := startShell(t, "echo no such directive; exit 1")
	err := p.awaitReady(t.Context(), func(context.Context) error { return errors.New("refused") })
	if err == nil || !strings.Contains(err.Error(), "no such directive") {
		t.Errorf("the error is %v, want it to show what the process said", err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var out tail
	for i := range 1000 {
		fmt.Fprintf(&out, "line %d\n", i)
	}
	if got := out.String(); len(got) > 2048 || !strings.HasSuffix(got, "line 999") {
		t.Errorf("the tail is %d bytes and ends in %q", len(got), got[len(got)-20:])
	}
}

func TestStopOfAnEndedProcessReturns(t *testing.T) {
	p := startShell(t, "exit 0")
	<-p.donec
	p.stop()
	if err := syscall.Kill(p.pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("kill of the ended process says %v", err)
	}
}
