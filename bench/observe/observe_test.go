package main

import (
	"errors"
	"os"
	"testing"
	"time"

	"lameduck/bench/internal/procfs"
)

func TestParseIdleTime(t *testing.T) {
	got, cores, err := parseIdleTime("cpu  100 20 30 9999 8888 4 5 6 7 0\ncpu0 1 2 3\ncpu1 4 5 6\nintr 7\n")
	if want := (9999 + 8888) * procfs.Tick; got != want || cores != 2 || err != nil {
		t.Errorf("%v, %d cores, %v; want %v, 2 cores", got, cores, err, want)
	}
	for _, stat := range []string{"", "cpu", "cpu 1 2 3 4 5", "cpu0 1 2 3 4 5 6 7 8", "cpu a b c d e f g h\ncpu0"} {
		if got, _, err := parseIdleTime(stat); err == nil {
			t.Errorf("%q is accepted as %v", stat, got)
		}
	}
}

func TestParseEnded(t *testing.T) {
	if n, took, err := parseEnded("ready 5 1000000\n"); n != 5 || took != time.Millisecond || err != nil {
		t.Errorf("%d, %v, %v", n, took, err)
	}
	for _, text := range []string{"", "ready", "ready 0 1", "ready 5 0", "ready x 1", "other 5 1"} {
		if _, _, err := parseEnded(text); !errors.Is(err, errOutput) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEnds_ALossThatIsNotCountedIsAMiss(t *testing.T) {
	for _, test := range []struct {
		ends ends
		ok   bool
	}{
		{ends{made: 5, counted: 5}, true},
		{ends{made: 5, counted: 4, lost: 1}, true},
		{ends{made: 5, counted: 4}, false},
		{ends{made: 5, counted: 6}, false},
	} {
		if err := test.ends.check(); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test.ends, err)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{2: {3, 1, 2}, 2.5: {4, 1, 2, 3}, 7: {7}} {
		if got := median(values); got != want {
			t.Errorf("the median of %v is %v, want %v", values, got, want)
		}
	}
}

func TestKernelTimes_HasThreadsOfTheKernelOnly(t *testing.T) {
	if name, _ := os.ReadFile("/proc/2/comm"); string(name) != "kthreadd\n" {
		t.Skip("this PID namespace has no threads of the kernel")
	}
	times, err := kernelTimes()
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, used := range times {
		sum += used
	}
	if sum == 0 {
		t.Errorf("%d threads of the kernel have used no CPU time", len(times))
	}
	if _, has := times[os.Getpid()]; has {
		t.Error("the test is a thread of the kernel")
	}
}
