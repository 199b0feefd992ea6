package inject

import (
	"fmt"
	"time"
)

// The parts of a grace period that nobody sets.
const (
	defaultGrace   = 30 * time.Second // Kubernetes', where a pod says none
	defaultAppStop = 5 * time.Second  // Lameduck's
	margin         = 3 * time.Second  // which Lameduck keeps for its own end
	graceStep      = 30 * time.Second // to which what is needed is rounded up
)

// grant raises the grace period to what the hold needs.
func (j *injection) grant() error {
	s, field := &j.settings, "spec.terminationGracePeriodSeconds"
	has, said := defaultGrace, j.pod.Spec.TerminationGracePeriodSeconds
	if said != nil {
		has = time.Duration(*said) * time.Second
	}
	if s.AppStop == 0 {
		s.AppStop = defaultAppStop
		if has != defaultGrace { // which the API server writes where nobody says anything
			s.AppStop = max(has, time.Second)
		}
	}
	need := roundUp(s.LBDelay+s.Silence+s.AppStop+margin, graceStep)
	if s.GracePeriod > 0 {
		need = roundUp(s.GracePeriod, time.Second) // a pod counts in seconds
	}
	if need < s.AppStop+margin+s.LBDelay {
		return &Refusal{field, fmt.Sprintf("%s are not enough for the load balancer's %s, the app's %s to stop and %s", seconds(need), seconds(s.LBDelay), seconds(s.AppStop), seconds(margin)),
			"say a longer " + AnnotationPrefix + "grace-period, or a shorter lb-delay or app-stop"}
	}
	if need <= has {
		need = has
	} else {
		raised := int64(need / time.Second)
		j.record.Grace, j.record.Raised = said, raised
		j.pod.Spec.TerminationGracePeriodSeconds = &raised
	}
	j.grace = need
	return nil
}

// roundUp returns the first multiple of a step that is not below d.
func roundUp(d, step time.Duration) time.Duration {
	if over := d % step; over > 0 {
		return d + step - over
	}
	return d
}
