package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/silence"
)

// Evidence is what the decision to end a hold is based on. Times count from the drain's start, and
// are zero if there was no such event since.
type Evidence struct {
	Class          string        // from which one more request is most likely, or "idle"
	More           float64       // probability of one more request
	Required       time.Duration // silence required after the last exchange
	LastConnection time.Duration // that brought a request
	LastChecks     map[string]time.Duration
	Escalated      time.Duration // when readiness failed because new connections still came
}

// idle is the class of a pod with too little traffic to draw conclusions from its silence.
const idle = "idle"

// evidenceClasses returns all classes of evidence.
func evidenceClasses() []string {
	all := []string{idle}
	for _, c := range silence.Classes() {
		all = append(all, c.String())
	}
	return all
}

func newEvidence(s *holdState, f silence.Forecast) Evidence {
	e := Evidence{
		Class: f.Class.String(), More: f.More, Required: s.required,
		LastConnection: f.LastConnection, Escalated: s.escalated,
	}
	if f.Idle {
		e.Class = idle
	}
	for kind, at := range f.Checks {
		if at <= 0 {
			continue
		}
		if e.LastChecks == nil {
			e.LastChecks = make(map[string]time.Duration)
		}
		e.LastChecks[silence.Checker(kind).String()] = at
	}
	return e
}

// String returns the evidence as a part of the drain summary.
func (e Evidence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "silence required: %v", e.Required.Round(time.Millisecond))
	fmt.Fprintf(&b, "; evidence: %s, probability of one more request %.2g", e.Class, e.More)
	if e.LastConnection > 0 {
		fmt.Fprintf(&b, "; last new connection after %v", e.LastConnection.Round(time.Millisecond))
	}
	for _, kind := range slices.Sorted(maps.Keys(e.LastChecks)) {
		at := e.LastChecks[kind].Round(time.Millisecond)
		fmt.Fprintf(&b, "; last health check of %s after %v", kind, at)
	}
	if e.Escalated > 0 {
		fmt.Fprintf(&b, "; readiness failed after %v", e.Escalated.Round(time.Millisecond))
	}
	return b.String()
}

// fields returns the evidence for the log.
func (e Evidence) fields() []zap.Field {
	return []zap.Field{
		zap.String("evidence", e.Class),
		zap.Float64("more_probability", e.More),
		zap.Duration("required_silence", e.Required),
		zap.Duration("last_connection_after", e.LastConnection),
		zap.Any("last_health_checks_after", e.LastChecks),
		zap.Duration("readiness_failed_after", e.Escalated),
	}
}

// evidenceFields returns why the hold goes on.
func evidenceFields(f silence.Forecast) []zap.Field {
	return []zap.Field{
		zap.Int("exchanges_in_flight", f.InFlight),
		zap.Duration("silent_in", f.SilentIn),
		zap.Float64("more_probability", f.More),
		zap.Stringer("class", f.Class),
		zap.Bool("idle", f.Idle),
		zap.Duration("health_checks_stop_in", f.ChecksIn),
		zap.Duration("last_request_after", f.LastRequest),
		zap.Duration("last_connection_after", f.LastConnection),
	}
}

// noteForecast records the evidence, and logs what the operator should know as soon as it happens.
func (l *Lifecycle) noteForecast(s *holdState, f silence.Forecast) {
	e := newEvidence(s, f)
	l.mu.Lock()
	escalates := e.Escalated > 0 && !l.escalated
	l.summary.Evidence = e
	l.escalated = l.escalated || escalates
	l.mu.Unlock()
	if escalates {
		l.log.Warn("readiness fails, because new connections still come",
			zap.Duration("after", e.Escalated), zap.Duration("max", l.config.Hold.Max))
	}
	if s.envoyChecks && !l.envoyWarned && !l.config.FailsHealthChecks {
		l.envoyWarned = true
		l.log.Warn("Envoy still checks the pod's health, and keeps routing to it while the checks pass: "+
			"set LAMEDUCK_LB_HEALTH_PATHS to the path that it checks",
			zap.Duration("last_check_after", f.Checks[silence.Envoy]))
	}
}
