package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/bench/internal/proc"
)

func TestParseInstructions(t *testing.T) {
	const counted = "1200,,instructions:u,1000,100.00,,\n3400,,instructions:k,1000,100.00,,\n"
	if got, err := parseInstructions(counted); err != nil || got != 4600 {
		t.Errorf("parseInstructions = %v, %v, want 4600", got, err)
	}
	for _, text := range []string{
		"",
		"1200,,instructions:u,1000,100.00,,\n",
		"<not supported>,,instructions:u,0,100.00,,\n<not supported>,,instructions:k,0,100.00,,\n",
		"1200,,instructions:u,1000,100.00,,\n<not counted>,,instructions:k,0,0.00,,\n",
	} {
		if got, err := parseInstructions(text); err == nil {
			t.Errorf("parseInstructions(%q) = %v without an error", text, got)
		}
	}
}

// fakePerf prints counts when it is interrupted, like "perf stat -p", or at once without -p. It
// creates a file beside itself when it can be interrupted.
const fakePerf = `#!/bin/sh
count() { echo "$1,,instructions:u,1,100,,"; echo "$2,,instructions:k,1,100,,"; exit $3; }
case "$*" in *" -p "*) ;; *) count 1 2 0 ;; esac
trap 'count 1000 2000 130' INT
: > "$0.ready"
while :; do sleep 0.01; done
`

func TestInstructionsOfAProcessAreCounted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "perf"), []byte(fakePerf), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	all := allCores(t)
	if !canCountInstructions(t.Context(), all) {
		t.Fatal("the counter is not found")
	}
	idle, err := proc.Start(proc.Command{Path: "/bin/sleep", Args: []string{"60"}})
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Stop()
	b := &bench{perf: true, cores: cores{Others: all}}
	m, err := b.metered(t.Context(), []int{idle.PID()}, microseconds, func() (outcome, error) {
		ready := filepath.Join(dir, "perf.ready")
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
			if _, err := os.Stat(ready); err == nil {
				break
			}
		}
		return outcome{Answers: 100, Seconds: 1}, nil
	})
	if err != nil || m.Values["instructions"] != 30 {
		t.Errorf("values %v, %v, want 30 instructions per request", m.Values, err)
	}
}

func TestWithoutACounterNothingIsCounted(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if err := os.WriteFile(filepath.Join(dir, "perf"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if canCountInstructions(t.Context(), allCores(t)) {
		t.Error("a perf that fails can count")
	}
	c, err := (&bench{}).countInstructions(t.Context(), []int{1})
	if n, stopErr := c.stop(t.Context()); err != nil || stopErr != nil || n != 0 {
		t.Errorf("without perf: %v instructions, %v, %v", n, err, stopErr)
	}
}

func TestAFailedCountIsAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := counter{out: &bytes.Buffer{}}
	var err error
	c.perf, err = proc.Start(proc.Command{Path: "/bin/sh", Args: []string{"-c", "echo No permission >&2; exit 255"}, Stdout: c.out})
	if err != nil {
		t.Fatal(err)
	}
	<-c.perf.Exited()
	if _, err := c.stop(ctx); err == nil || !strings.Contains(err.Error(), "No permission") {
		t.Errorf("error %v, want the reason in it", err)
	}
}
