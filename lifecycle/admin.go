package lifecycle

import (
	"encoding/json"
	"net/http"
)

// Admin is the handler of the admin address, which the network can reach: /livez, /readyz, /metrics and /hold. None of
// them changes anything.
func (l *Lifecycle) Admin(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeLine(w, "ok") })
	mux.HandleFunc("GET /readyz", l.serveReady)
	mux.HandleFunc("GET /hold", l.hooks.Wait)
	mux.Handle("GET /metrics", metrics)
	return mux
}

func (l *Lifecycle) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !l.Ready() {
		http.Error(w, l.Phase().String(), http.StatusServiceUnavailable)
		return
	}
	writeLine(w, l.Phase().String())
}

// Control is the handler of the control address, which is on the loopback interface: POST /drain begins the drain,
// with ?wait it answers at the end of the hold, with ?native it says that we are a native sidecar, and GET /status tells how
// things stand.
func (l *Lifecycle) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /drain", l.serveDrain)
	mux.HandleFunc("GET /status", l.serveStatus)
	return localOnly(mux)
}

func (l *Lifecycle) serveDrain(w http.ResponseWriter, r *http.Request) {
	l.RequestDrain(r.URL.Query().Has("native"))
	if r.URL.Query().Has("wait") {
		l.drainWaiters.Wait(w, r)
		return
	}
	select {
	case <-l.draining:
		l.serveStatus(w, r)
	case <-r.Context().Done():
	}
}

// status is what GET /status answers. Durations are in seconds.
type status struct {
	Phase    string  `json:"phase"`
	InFlight int     `json:"exchanges_in_flight"`
	SilentIn float64 `json:"silent_in_seconds"`
	Hold     struct {
		Min    float64 `json:"min_seconds"`
		Quiet  float64 `json:"quiet_seconds"`
		Max    float64 `json:"max_seconds"`
		Factor float64 `json:"silence_factor"`
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
	CutConnections int     `json:"cut_connections"`
	CutExchanges   int     `json:"cut_exchanges"`
	Unanswered     uint64  `json:"unanswered_exchanges"`

	Ended map[string]map[string]uint64 `json:"connections_ended"` // by protocol, then by what ended them
}

func (l *Lifecycle) serveStatus(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(l.statusJSON())
}

// statusJSON returns the status as one line.
func (l *Lifecycle) statusJSON() []byte {
	b, err := json.Marshal(l.status())
	if err != nil {
		panic(err) // it has only numbers and text
	}
	return append(b, '\n')
}

func (l *Lifecycle) status() (s status) {
	hold := l.config.Hold
	outlook := l.relay.Outlook(hold.Rule())
	s.Phase = l.Phase().String()
	s.InFlight, s.SilentIn = outlook.InFlight, max(0, outlook.SilentIn).Seconds()
	s.Hold.Min, s.Hold.Quiet, s.Hold.Max, s.Hold.Factor = hold.Min.Seconds(), hold.Quiet.Seconds(), hold.Max.Seconds(), hold.Factor
	if l.Phase() != Serving {
		s.Drain = newDrainStatus(l.Story())
	}
	return s
}

func newDrainStatus(s Story) *drainStatus {
	return &drainStatus{
		Trigger: s.Trigger, End: s.End.String(), Seconds: s.Duration.Seconds(),
		Exchanges: s.Exchanges, Last: s.LastExchange.Seconds(), Required: s.Required.Seconds(),
		CutConnections: s.CutConnections, CutExchanges: s.CutExchanges, Unanswered: s.Unanswered, Ended: s.Ended,
	}
}
