//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// The pods that are compared. One start proves little: the kubelet checks its containers
// once a second.
const (
	starts     = 10
	startsMore = time.Second // that a pod with a sidecar may take
)

// initialized has an init container that writes nothing to a volume. The kubelet starts the app
// when it has seen that container's end, in its next look.
const initialized = `
initContainers:
  - name: nothing
    image: ` + duckImage + `
    args: [version]
    volumeMounts: [{ name: nothing, mountPath: /target }]
volumes: [{ name: nothing, emptyDir: {} }]
`

func Test13AStartIsAsFastAsWithoutLameduck(t *testing.T) {
	teams := map[string]team{
		"without": {app: restricted}, "with an init container": {app: restricted, pod: initialized},
	}
	for _, shape := range shapes {
		teams[shape] = team{shape: shape, app: restricted}
	}
	median := medianStarts(t, teams)
	for _, test := range []struct{ with, without string }{
		{"native", "without"}, {"plain", "without"}, {"wrapper", "with an init container"},
	} {
		if later := median[test.with] - median[test.without]; later > startsMore {
			t.Errorf("%s: Ready %v later than %s, want at most %v", test.with, later, test.without, startsMore)
		}
	}
}

// medianStarts replaces the only pod of each team several times, and returns the medians of the
// times in which they became Ready.
func medianStarts(t *testing.T, teams map[string]team) map[string]time.Duration {
	t.Helper()
	names := slices.Sorted(maps.Keys(teams))
	stages := make(map[string]*stage)
	for _, name := range names {
		stages[name] = newStage(t)
		stages[name].deploy(t, teams[name])
	}
	for range starts { // in turn, as the machine may be busy for a time
		for _, name := range names {
			stages[name].kubectl(t, "rollout", "restart", "deployment/app")
			stages[name].kubectl(t, "rollout", "status", "deployment/app", "--timeout", waitTimeout.String())
		}
	}
	median := make(map[string]time.Duration)
	for _, name := range names {
		median[name] = medianStart(t, stages[name])
		t.Logf("%s: Ready after %v", name, median[name])
	}
	return median
}

// medianStart returns the median of the times in which the pods of a stage became Ready.
func medianStart(t *testing.T, s *stage) time.Duration {
	t.Helper()
	var took []time.Duration
	for _, l := range s.pods.all() {
		if !l.ready.IsZero() {
			took = append(took, l.ready.Sub(l.seen).Round(10*time.Millisecond))
		}
	}
	if len(took) < starts {
		t.Fatalf("%d pods became Ready, want at least %d", len(took), starts)
	}
	slices.Sort(took)
	return took[len(took)/2]
}
