//go:build e2e

package e2e

import (
	"cmp"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// Test9 restarts E2E_RESTARTS times, 50 by default.
func Test9ASoakOfRollingRestartsLosesNothing(t *testing.T) {
	restarts, err := strconv.Atoi(cmp.Or(os.Getenv("E2E_RESTARTS"), "50"))
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t)
	s.deploy(t, team{shape: "native", replicas: 3, app: restricted})
	in := s.startIngress(t, ingressConfig{lag: time.Second}, 3)
	l := in.startLoad(t, 500, everyKind...)
	pause(t, settling)
	var first, last int
	for i := range restarts {
		largest := s.largest(t)
		if i == 0 {
			first = largest
		}
		last = largest
		for _, life := range s.restart(t, waitTimeout) {
			if d := life.drain(); d.reason != "quiet" || d.cutExchanges != 0 || d.unanswered != 0 {
				t.Errorf("restart %d, %s: %s %q", i, life.name, d, life.log)
			}
		}
		t.Logf("restart %d at %s: the largest Lameduck has %d KiB", i+1,
			time.Now().UTC().Format(time.TimeOnly), largest>>10)
	}
	expectNoneLost(t, l.end(t))
	if last > first+first/2 {
		t.Errorf("a Lameduck's memory went from %d to %d KiB", first>>10, last>>10)
	}
}

var residentMetric = regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`)

// largest returns the memory of the largest Lameduck.
func (s *stage) largest(t *testing.T) int {
	t.Helper()
	largest := 0
	for _, pod := range s.pods.alive() {
		text := s.metrics(t, pod)
		m := residentMetric.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no memory of %s in %.200s", pod, text)
		}
		bytes, _ := strconv.ParseFloat(m[1], 64)
		largest = max(largest, int(bytes))
	}
	return largest
}
