package inject

import (
	"fmt"
	"time"

	"lameduck/cmd/lameduck/config"
)

// Defaults that determine a grace period.
const (
	DefaultGrace   = 30 * time.Second // of Kubernetes
	DefaultAppStop = 5 * time.Second  // of Lameduck
	Margin         = config.Margin    // for Lameduck's own exit
)

const graceStep = 30 * time.Second // grace periods that we compute are multiples of it

// longestGrace bounds a grace period, in seconds, so that sums do not overflow. Lameduck refuses
// one that is half as long.
const longestGrace = 1 << 32

// raiseGracePeriod raises the grace period to what the hold needs.
func (j *injection) raiseGracePeriod() error {
	has, set := DefaultGrace, j.pod.Spec.TerminationGracePeriodSeconds
	if set != nil {
		has = time.Duration(min(*set, longestGrace)) * time.Second
	}
	s := &j.settings
	if s.AppStop == 0 {
		s.AppStop = deriveAppStop(has)
	}
	hold, err := s.hold()
	if err != nil {
		return err
	}
	need := roundUp(hold+s.AppStop+Margin, graceStep)
	if s.GracePeriod > 0 {
		need = roundUp(s.GracePeriod, time.Second) // a pod counts in seconds
	}
	j.grace = max(need, has)
	if j.grace-s.AppStop-Margin < s.LBDelay {
		return s.graceTooShort(j.grace)
	}
	if j.grace > has {
		raised := int64(j.grace / time.Second)
		j.record.Grace, j.record.Raised = set, raised
		j.pod.Spec.TerminationGracePeriodSeconds = &raised
	}
	return nil
}

// deriveAppStop returns how long the app may need to stop: its whole grace period, unless that is
// the default that the API server writes.
func deriveAppStop(grace time.Duration) time.Duration {
	if grace == DefaultGrace {
		return DefaultAppStop
	}
	return max(grace, time.Second)
}

// hold returns the longest hold that must fit into the grace period.
func (s *Settings) hold() (time.Duration, error) {
	v, err := config.Read(s.Env)
	if err != nil {
		return 0, err // Set has checked each variable
	}
	return max(s.LBDelay+s.Silence, v.HoldMin, v.HoldQuiet, v.HoldMax, v.TunnelSpread), nil
}

func (s *Settings) graceTooShort(grace time.Duration) *Refusal {
	return &Refusal{
		"spec.terminationGracePeriodSeconds",
		fmt.Sprintf("%s is too short for the load balancer's delay of %s, the app's stop of %s and a "+
			"margin of %s",
			seconds(grace), seconds(s.LBDelay), seconds(s.AppStop), seconds(Margin)),
		"use a longer " + AnnotationPrefix + "grace-period, or a shorter lb-delay or app-stop",
	}
}

// roundUp returns the smallest multiple of step that is at least d.
func roundUp(d, step time.Duration) time.Duration {
	if over := d % step; over > 0 {
		return d + step - over
	}
	return d
}
