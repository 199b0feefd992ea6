//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"
)

// The pods whose starts are compared. One alone says little: the kubelet looks at its containers
// once a second.
const (
	starts     = 10
	startsMore = time.Second // that a pod with a sidecar may take
)

func Test13AStartIsAsFastAsWithoutLameduck(t *testing.T) {
	all := append([]string{""}, sidecars...)
	stages := make(map[string]*stage)
	for _, shape := range all {
		s := newStage(t)
		s.deploy(t, team{shape: shape, app: restricted})
		stages[shape] = s
	}
	for range starts { // in turn, as the machine may be busy with something else for a time
		for _, shape := range all {
			stages[shape].restart(t, patience)
		}
	}
	without := medianStart(t, stages[""])
	for _, shape := range sidecars {
		with := medianStart(t, stages[shape])
		t.Logf("%s: Ready after %v, without Lameduck after %v", shape, with, without)
		if with > without+startsMore {
			t.Errorf("%s: Ready %v later than without Lameduck, want at most %v", shape, with-without, startsMore)
		}
	}
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
		t.Fatalf("%d pods became Ready, want %d at least", len(took), starts)
	}
	slices.Sort(took)
	return took[len(took)/2]
}
