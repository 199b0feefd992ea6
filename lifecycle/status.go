package lifecycle

import "encoding/json"

// status is the response to GET /status. Durations are in seconds.
type status struct {
	Phase    string  `json:"phase"`
	InFlight int     `json:"exchanges_in_flight"`
	SilentIn float64 `json:"silent_in_seconds"`
	Required float64 `json:"required_silence_seconds"`
	More     float64 `json:"more_probability"`
	Class    string  `json:"class"`
	ChecksIn float64 `json:"health_checks_stop_in_seconds"`
	Bypassed *uint64 `json:"bypassed_connections,omitempty"` // nil if it is not watched
	// Ports that are taken over or observed and at which the app has not listened yet.
	NotListening []uint16 `json:"ports_without_listener,omitempty"`
	Hold         struct {
		Min      float64 `json:"min_seconds"`
		Quiet    float64 `json:"quiet_seconds"`
		Max      float64 `json:"max_seconds"`
		Risk     float64 `json:"risk"`
		LBDelay  float64 `json:"lb_delay_seconds"`
		Escalate float64 `json:"escalate_seconds"`
	} `json:"hold"`
	Drain *drainStatus `json:"drain,omitempty"`
}

type drainStatus struct {
	Trigger        string  `json:"trigger"`
	End            string  `json:"end"`
	Seconds        float64 `json:"seconds"`
	Exchanges      uint64  `json:"exchanges"`
	Last           float64 `json:"last_exchange_seconds"`
	Required       float64 `json:"required_silence_seconds"`
	Evidence       string  `json:"evidence"`
	More           float64 `json:"more_probability"`
	LastConnection float64 `json:"last_connection_seconds"`
	Escalated      float64 `json:"readiness_failed_seconds"`
	CutConnections int     `json:"cut_connections"`
	CutExchanges   int     `json:"cut_exchanges"`
	Unanswered     uint64  `json:"unanswered_exchanges"`

	// By kind.
	Checks map[string]float64 `json:"last_health_check_seconds"`
	// By protocol, then by what ended them.
	Ended map[string]map[string]uint64 `json:"connections_ended"`

	Observed *observedStatus `json:"observed,omitempty"`
}

type observedStatus struct {
	Connections uint64  `json:"connections"`
	LastEvent   float64 `json:"last_event_seconds"`
	Probes      uint64  `json:"probes"`
	Empty       uint64  `json:"without_data"`
	Kept        int     `json:"kept_connections"`
	Peers       int     `json:"kept_clients"`
}

func newObservedStatus(o *Observed) *observedStatus {
	if o == nil {
		return nil
	}
	return &observedStatus{
		Connections: o.Connections, LastEvent: o.LastEvent.Seconds(), Probes: o.Probes, Empty: o.Empty,
		Kept: o.Kept, Peers: o.Peers,
	}
}

// statusJSON returns the status as one line.
func (l *Lifecycle) statusJSON() []byte {
	b, err := json.Marshal(l.status())
	if err != nil {
		panic(err) // impossible: there are only numbers and text
	}
	return append(b, '\n')
}

func (l *Lifecycle) status() (s status) {
	hold := l.config.Hold
	forecast := l.relay.Forecast(hold.Rule())
	s.Phase = l.Phase().String()
	s.InFlight, s.SilentIn = forecast.InFlight, max(0, forecast.SilentIn).Seconds()
	s.Required, s.More = forecast.Required.Seconds(), forecast.More
	s.ChecksIn = forecast.ChecksIn.Seconds()
	if l.config.Bypassed != nil {
		n := l.config.Bypassed()
		s.Bypassed = &n
	}
	if l.config.NotListening != nil {
		s.NotListening = l.config.NotListening()
	}
	if s.Class = forecast.Class.String(); forecast.Idle {
		s.Class = idle
	}
	s.Hold.Min, s.Hold.Quiet, s.Hold.Max = hold.Min.Seconds(), hold.Quiet.Seconds(), hold.Max.Seconds()
	s.Hold.Risk, s.Hold.LBDelay = hold.Risk, hold.LBDelay.Seconds()
	s.Hold.Escalate = hold.Escalate.Seconds()
	if l.Phase() != Serving {
		s.Drain = newDrainStatus(l.Summary())
	}
	return s
}

func newDrainStatus(s Summary) *drainStatus {
	checks := make(map[string]float64)
	for kind, at := range s.LastChecks {
		checks[kind] = at.Seconds()
	}
	return &drainStatus{
		Evidence: s.Class, More: s.More, LastConnection: s.LastConnection.Seconds(),
		Escalated: s.Escalated.Seconds(), Checks: checks,
		Trigger: s.Trigger, End: s.End.String(), Seconds: s.Duration.Seconds(),
		Exchanges: s.Exchanges, Last: s.LastExchange.Seconds(), Required: s.Required.Seconds(),
		CutConnections: s.CutConnections, CutExchanges: s.CutExchanges,
		Unanswered: s.Unanswered, Ended: s.Ended, Observed: newObservedStatus(s.Observed),
	}
}
