package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/bench/hold/record"
	"lameduck/bench/hold/sim"
)

func TestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		args  []string
		wants string // in the error
	}{
		"nothing":          {nil, ""},
		"some shapes":      {[]string{"-shapes", "ingress, cloud", "-n", "10"}, ""},
		"an unknown shape": {[]string{"-shapes", "ingres"}, `-shapes: unknown shape "ingres": use clusterip`},
		"no rollouts":      {[]string{"-n", "0"}, "-n 0: must be at least 1"},
		"no pods":          {[]string{"-pods", "0"}, "-pods 0: must be at least 1"},
		"no history":       {[]string{"-history", "0s"}, "-history 0s: must be at least 1s"},
		"an argument":      {[]string{"x"}, `unexpected argument "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseOptions(test.args, io.Discard)
			if (err == nil) != (test.wants == "") || err != nil && !strings.Contains(err.Error(), test.wants) {
				t.Errorf("got the error %v, want %q", err, test.wants)
			}
		})
	}
}

func TestTheRealProgramIsMeasuredWithSomeShapes(t *testing.T) {
	o, err := parseOptions([]string{"-real"}, io.Discard)
	if err != nil || len(o.Shapes) != len(sim.Measured()) {
		t.Errorf("%d shapes, %v", len(o.Shapes), err)
	}
}

func TestRunSimulatesAndWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hold.json")
	var out, progress bytes.Buffer
	args := []string{"-n", "20", "-shapes", "slow-proxy,kept", "-json", path}
	if err := run(t.Context(), args, &out, &progress); err != nil {
		t.Fatal(err)
	}
	f, err := record.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Shapes) != 2 || f.Rollouts != 10 || f.Command != "go run ./bench/hold "+strings.Join(args, " ") {
		t.Errorf("the file has %d shapes, %d rollouts each, by %q", len(f.Shapes), f.Rollouts, f.Command)
	}
	if f.Shapes[0].Limits == nil || f.Shapes[1].Limits != nil {
		t.Error("the wrong shape has limits")
	}
	for _, s := range f.Shapes {
		if len(s.Outcomes) != len(f.Rules) {
			t.Errorf("%s has %d outcomes of %d rules", s.Name, len(s.Outcomes), len(f.Rules))
		}
		if !strings.Contains(out.String(), "| "+s.Title+" |") {
			t.Errorf("the tables do not have %q:\n%s", s.Title, out.String())
		}
	}
}

func TestGuardFailsIfALimitIsMissed(t *testing.T) {
	f := &record.File{Rollouts: 1000, Rules: []record.Rule{{Name: "lameduck"}}, Shapes: []record.Shape{{
		Name: "x", Limits: &record.Limits{AfterP50: 6, AfterP90: 9, Early: 0.001},
		Outcomes: []record.Outcome{{AfterP50: 6, AfterP90: 9, Early: 1}},
	}}}
	if err := publish(f, options{Guard: true}, io.Discard); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	for name, worse := range map[string]record.Outcome{
		"p50":   {AfterP50: 6.1, AfterP90: 9, Early: 1},
		"p90":   {AfterP50: 6, AfterP90: 9.1, Early: 1},
		"early": {AfterP50: 6, AfterP90: 9, Early: 2},
	} {
		f.Shapes[0].Outcomes[0] = worse
		if err := publish(f, options{Guard: true}, io.Discard); err == nil || !strings.Contains(err.Error(), "x") {
			t.Errorf("%s: got the error %v", name, err)
		}
		if err := publish(f, options{}, io.Discard); err != nil {
			t.Errorf("%s without -guard: %v", name, err)
		}
	}
}

func TestListHasEveryShape(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-list"}, &out, os.Stderr); err != nil {
		t.Fatal(err)
	}
	for _, s := range sim.Shapes() {
		if !strings.Contains(out.String(), s.Name+" ") || !strings.Contains(out.String(), s.Title) {
			t.Errorf("the list does not have %s", s.Name)
		}
	}
}

func TestProgressEstimatesTheTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, 1000)
		time.Sleep(20 * time.Second)
		p.add(100)
		time.Sleep(20 * time.Second)
		p.add(100) // too early for another line
		time.Sleep(20 * time.Second)
		p.add(200)
		p.finish()
		const want = "100 of 1,000 rollouts, 3m0s left\n400 of 1,000 rollouts, 1m30s left\n"
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}
