package main

import (
	"os"
	"testing"
	"time"

	"lameduck/bench/internal/proc"
)

func TestParseCoreLeavesIdleTimeOut(t *testing.T) {
	const text = "cpu  9 9 9 9 9 9 9 9 0 0\n" +
		"cpu1 100 1 20 5000 700 3 40 6 0 0\n" +
		"cpu10 1 1 1 1 1 1 1 1 0 0\n"
	got, err := parseCore(text, 1)
	if want := 170 * tick; err != nil || got != want {
		t.Errorf("parseCore = %v, %v, want %v", got, err, want)
	}
	if _, err := parseCore(text, 2); err == nil {
		t.Error("a core that is not there has a CPU time")
	}
}

func TestGroupUsageCountsChildren(t *testing.T) {
	// The leader sleeps, so all CPU time is its child's.
	p := startShell(t, "(while :; do :; done) & sleep 60")
	// The child may run between the reads of the two files.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		u, err := groupUsage(p.PID())
		if err != nil {
			t.Fatal(err)
		}
		if u.Precise >= 20*time.Millisecond && !disagree((u.Whole-u.Precise).Abs(), u.Whole) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute of a busy loop, schedstat has %v, stat has %v", u.Precise, u.Whole)
		}
	}
}

func TestGroupUsageOfAnEndedGroupIsAnError(t *testing.T) {
	p := startShell(t, "exit 0")
	<-p.Exited()
	if u, err := groupUsage(p.PID()); err == nil {
		t.Errorf("a group that has ended has used %v", u)
	}
}

// startShell runs a script and stops it when the test ends.
func startShell(t *testing.T, script string) *proc.Process {
	t.Helper()
	p, err := proc.Start(proc.Command{
		Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}
