package main

import (
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"
)

func TestParseWrk(t *testing.T) {
	for out, want := range map[string]time.Duration{
		"  1234 requests in 3.00s, 1MB read\nRequests/sec: 411\n": 1234,
		"  0 requests in 3.00s\n":                                 0,
		"":                                                        0,
		"  9 requests in 3s\n  Socket errors: connect 0, read 1": 0,
		"  9 requests in 3s\n  Non-2xx or 3xx responses: 9":      0,
	} {
		if got, err := parseWrk(out); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v, want %d", out, got, err, want)
		}
	}
}

func TestParseStat_CountsWhatIsNotIdle(t *testing.T) {
	const text = "cpu  100 20 30 4000 500 6 7 8000 90000 0\ncpu0 1 1 1 1 1 1 1\n"
	if got, err := parseStat(text); err != nil || got != 1630*time.Millisecond {
		t.Errorf("busy for %v, %v, want 1.63s", got, err)
	}
	if _, err := parseStat("intr 1"); err == nil {
		t.Error("a file without CPUs is read")
	}
}

func TestOptions_OutOfRangeAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rate", "0"}, {"-for", "1ms"}, {"-duration", "1ms"}, {"x"}} {
		if _, err := parseOptions(args, t.Output()); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestResult_CountsFailuresByReason(t *testing.T) {
	var r result
	for range 2 {
		r.fail(&net.OpError{Op: "dial", Addr: &net.TCPAddr{Port: 1}, Err: os.ErrDeadlineExceeded})
	}
	r.fail(io.ErrUnexpectedEOF)
	want := []string{"- plain: 2 times dial: i/o timeout", "- plain: 1 times unexpected EOF"}
	if got := r.reasons("plain"); !slices.Equal(got, want) || r.failed.Load() != 3 {
		t.Errorf("%d failures: %q, want %q", r.failed.Load(), got, want)
	}
}
