package inject

import (
	"fmt"
	"time"

	"lameduck/cmd/lameduck/config"
)

// The parts of a grace period that nobody sets.
const (
	DefaultGrace   = 30 * time.Second // Kubernetes', where a pod says none
	DefaultAppStop = 5 * time.Second  // Lameduck's, where its configuration says none
	Margin         = config.Margin    // which Lameduck keeps for its own end
)

const graceStep = 30 * time.Second // to which what is needed is rounded up

// longestGrace is the longest grace period, in seconds, of which a sum does not overflow. Lameduck
// refuses one that is half as long.
const longestGrace = 1 << 32

// grant raises the grace period to what the hold needs.
func (j *injection) grant() error {
	s, field := &j.settings, "spec.terminationGracePeriodSeconds"
	has, said := DefaultGrace, j.pod.Spec.TerminationGracePeriodSeconds
	if said != nil {
		has = time.Duration(min(*said, longestGrace)) * time.Second
	}
	if s.AppStop == 0 {
		s.AppStop = DefaultAppStop
		if has != DefaultGrace { // which the API server writes where nobody says anything
			s.AppStop = max(has, time.Second)
		}
	}
	variables, err := config.Read(s.Env)
	if err != nil {
		return err // each has been checked when it was set
	}
	hold := max(s.LBDelay+s.Silence, variables.HoldMin, variables.HoldQuiet, variables.HoldMax, variables.TunnelSpread)
	need := roundUp(hold+s.AppStop+Margin, graceStep)
	if s.GracePeriod > 0 {
		need = roundUp(s.GracePeriod, time.Second) // a pod counts in seconds
	}
	need = max(need, has)
	if need-s.AppStop-Margin < s.LBDelay {
		return &Refusal{field, fmt.Sprintf("%s are not enough for the load balancer's %s, the app's %s to stop and %s", seconds(need), seconds(s.LBDelay), seconds(s.AppStop), seconds(Margin)),
			"say a longer " + AnnotationPrefix + "grace-period, or a shorter lb-delay or app-stop"}
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
