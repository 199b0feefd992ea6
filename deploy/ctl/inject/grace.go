package inject

import (
	"fmt"
	"time"
)

// The parts of a grace period that nobody sets.
const (
	DefaultGrace   = 30 * time.Second // Kubernetes', where a pod says none
	DefaultAppStop = 5 * time.Second  // Lameduck's, where its configuration says none
	Margin         = 3 * time.Second  // which Lameduck keeps for its own end
)

const graceStep = 30 * time.Second // to which what is needed is rounded up

// withinHold are the variables that say how long a part of the hold lasts.
var withinHold = []string{holdMinVariable, quietVariable, holdMaxVariable, spreadVariable}

// grant raises the grace period to what the hold needs.
func (j *injection) grant() error {
	s, field := &j.settings, "spec.terminationGracePeriodSeconds"
	has, said := DefaultGrace, j.pod.Spec.TerminationGracePeriodSeconds
	if said != nil {
		has = time.Duration(*said) * time.Second
	}
	if s.AppStop == 0 {
		s.AppStop = DefaultAppStop
		if has != DefaultGrace { // which the API server writes where nobody says anything
			s.AppStop = max(has, time.Second)
		}
	}
	hold := s.LBDelay + s.Silence
	for _, name := range withinHold {
		hold = max(hold, s.setDuration(name))
	}
	need := roundUp(hold+s.AppStop+Margin, graceStep)
	if s.GracePeriod > 0 {
		need = roundUp(s.GracePeriod, time.Second) // a pod counts in seconds
	}
	need = max(need, has)
	room := need - s.AppStop - Margin
	if room < s.LBDelay {
		return &Refusal{field, fmt.Sprintf("%s are not enough for the load balancer's %s, the app's %s to stop and %s", seconds(need), seconds(s.LBDelay), seconds(s.AppStop), seconds(Margin)),
			"say a longer " + AnnotationPrefix + "grace-period, or a shorter lb-delay or app-stop"}
	}
	if maximum := s.setDuration(holdMaxVariable); maximum > 0 {
		room = min(room, maximum)
	}
	for _, name := range withinHold {
		if s.setDuration(name) > room {
			return &Refusal{field, fmt.Sprintf("%s=%s is longer than the hold may last, %s", name, s.Env[name], seconds(room)), "shorten it, or say a longer " + AnnotationPrefix + "grace-period"}
		}
	}
	if need > has {
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
