package main

import (
	"math"
	"strings"
	"testing"

	"lameduck/bench/matrix/record"
)

func TestFindings(t *testing.T) {
	got := strings.Join(findings(sample().rollouts), "\n")
	for _, want := range []string{
		"Behind Lameduck **none of 2,000 requests was lost**, in 2 rollouts. This does not prove that none is ever lost: " +
			"if losses are independent of each other, fewer than 3 in 2,000 are lost, with 95 % confidence.",
		"Its pods ended **2.0 s after** the load balancer had removed them and the last answer was sent (median of 3; at most 2.0 s). 2.0 s of this is the silence",
		"Bare pods lost **30.00 % of the requests** of a rollout (median; 30.00 % to 30.00 %; 300 of 1,000 in all), in 1 of 1 rollout.",
		"An app with a graceful shutdown, and nothing else, lost **29.00 %",
		"A preStop sleep that is shorter than the load balancer's delay lost **15.00 %",
		"A sleep that is longer than the delay lost 0 of 1,000 requests, and kept its pods **10.0 s longer** than the load balancer needed them",
		"a fixed quiet time ended too early in 1 of 1 rollout (3 lost requests). Lameduck's rule, which uses the rhythm of each source, ended too early in 0 of 1 (0 lost requests).",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("findings are\n%s\nwant among them\n%s", got, want)
		}
	}
}

func TestFindingsOfALossBehindLameduck(t *testing.T) {
	f := &record.File{Cells: []record.Cell{
		ended("balancers/nginx/lameduck", record.Lameduck, 0, 7*s, 0), ended("balancers/caddy/lameduck", record.Lameduck, 0, 7*s, 2),
	}}
	if got := findings(f)[0]; !strings.HasPrefix(got, "Behind Lameduck **2 of 2,000 requests were lost**, in 1 of 2 rollouts.") {
		t.Errorf("finding is %s", got)
	}
}

func TestFindingsOfNothing(t *testing.T) {
	if got := findings(&record.File{}); len(got) != 0 {
		t.Errorf("findings are %q", got)
	}
}

func TestAgainReportsTheSpread(t *testing.T) {
	f := &record.File{Cells: []record.Cell{
		ended("balancers/built-in/bare", record.Bare, 0, 0, 300), ended("balancers/nginx/bare", record.Bare, 0, 0, 10),
		ended("again/second/bare", record.Bare, 0, s/10, 310), ended("again/third/bare", record.Bare, 0, 0, 290),
	}}
	const want = "bare lost 29.00 % to 31.00 %, and its pods ended after 0.00 s to 0.10 s (3 runs)"
	if got := againSentence(f); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
	empty := ended("again/second/bare", record.Bare, 0, 0, 1)
	empty.Pods = nil
	if got := againSentence(&record.File{Cells: []record.Cell{empty}}); !strings.Contains(got, "lost 0.10 % to 0.10 % (one run)") {
		t.Errorf("got %s", got)
	}
}

func TestSpreadOfTheRounds(t *testing.T) {
	o := sample().overhead
	const want = "The rounds of one value differ by up to 3 % from their median (keepalive of nginx), those of Lameduck by up to 1 % (keepalive)"
	if got := o.spreadSentence(); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
	if got := (&overhead{}).spreadSentence(); !strings.Contains(got, "only one round") {
		t.Errorf("got %s", got)
	}
}

func TestScale(t *testing.T) {
	x := scale{-2, 8, 100, 200}
	for v, want := range map[float64]float64{-2: 100, 3: 150, 8: 200, -9: 100, 99: 200} {
		if got := x.of(v); float64(got) != want {
			t.Errorf("%v is at %v, want %v", v, got, want)
		}
	}
	for v, want := range map[float64]float64{0.9: 1, 1: 1, 1.1: 2, 4: 5, 7: 10, 0.03: 0.05, 30: 50} {
		if got := roundStep(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("step of at least %v: %v, want %v", v, got, want)
		}
	}
}
