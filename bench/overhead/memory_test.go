package main

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lameduck/bench/internal/procfs"
)

func TestParseSmaps(t *testing.T) {
	const text = `55e8c0a00000-7ffd3a9fe000 ---p 00000000 00:00 0                  [rollup]
Rss:                1024 kB
Pss:                 512 kB
Pss_Dirty:           100 kB
`
	got, err := parseSmaps(text)
	if want := (memory{RSS: 1024 * 1024, PSS: 512 * 1024}); err != nil || got != want {
		t.Errorf("parseSmaps = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "Rss: 10 kB\n", "Rss: x kB\nPss: 1 kB\n"} {
		if _, err := parseSmaps(text); err == nil {
			t.Errorf("parseSmaps(%q) has no error", text)
		}
	}
}

func TestGroupMemoryOfThisTest(t *testing.T) {
	m, err := groupMemory(syscall.Getpgrp())
	if err != nil {
		t.Fatal(err)
	}
	if m.RSS < 1e6 || m.PSS <= 0 || m.PSS > m.RSS {
		t.Errorf("resident memory is %+v", m)
	}
}

// A process may exit after its group has been listed.
func TestSumsLeaveOutProcessesThatHaveEnded(t *testing.T) {
	ended := startShell(t, "exit 0")
	<-ended.Exited()
	runs := startShell(t, "sleep 60")
	if m, err := sumMemory([]int{ended.PID(), runs.PID()}); err != nil || m.RSS == 0 {
		t.Errorf("memory is %+v, error %v", m, err)
	}
	if _, err := sumUsage([]int{ended.PID(), runs.PID()}); err != nil {
		t.Errorf("CPU time: %v", err)
	}
	if _, err := sumMemory([]int{ended.PID()}); !errors.Is(err, procfs.ErrEnded) {
		t.Errorf("error %v where all have ended", err)
	}
	if _, err := sumUsage([]int{ended.PID()}); !errors.Is(err, procfs.ErrEnded) {
		t.Errorf("error %v where all have ended", err)
	}
}

// A zombie belongs to its group until its parent waits for it, and has no memory.
func TestSumsLeaveOutZombies(t *testing.T) {
	p := startShell(t, "(exec sleep 60) & sh -c 'echo $$; exit 0' & exec sleep 60") // sleep waits for no child
	deadline := time.Now().Add(time.Minute)
	for !hasZombie(t, p.PID()) {
		if time.Now().After(deadline) {
			t.Fatal("no zombie")
		}
		time.Sleep(time.Millisecond)
	}
	if m, err := groupMemory(p.PID()); err != nil || m.RSS == 0 {
		t.Errorf("memory is %+v, error %v", m, err)
	}
	if _, err := groupUsage(p.PID()); err != nil {
		t.Errorf("CPU time: %v", err)
	}
}

func hasZombie(t *testing.T, group int) bool {
	t.Helper()
	pids, err := groupMembers(group)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(pids, func(pid int) bool {
		stat, err := procfs.Read(pid, "stat")
		return err == nil && strings.Contains(stat, ") Z ")
	})
}
