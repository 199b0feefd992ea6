package measure

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"lameduck/bench/openloop"
)

// Schema is the version of the JSON of a Report. It changes if a reader of the old version could
// misunderstand the new one. Fields may be added without a change. See report.schema.json.
const Schema = "lameduck.dev/measure/v1"

// A Report is the result of a measurement, as JSON.
type Report struct {
	Schema  string `json:"schema"`
	Version string `json:"version,omitempty"` // of lameduckctl
	// Requests is how many requests were sent, and Lost how many of them were not answered as
	// expected. The counts of Causes sum to Lost.
	Requests int            `json:"requests"`
	Lost     int            `json:"lost"`
	Causes   map[string]int `json:"causes"`
	// LostShare is Lost / Requests. With 95 % confidence the share is not above LostShareMax.
	LostShare    float64 `json:"lost_share"`
	LostShareMax float64 `json:"lost_share_max"`

	URL       string    `json:"url"`
	Addresses []string  `json:"addresses"`
	Notes     []string  `json:"notes,omitempty"`
	Started   time.Time `json:"started"`
	Seconds   Seconds   `json:"seconds"`
	// Ended is why the load ended: "time", "requests", "failures", "rollout" or
	// "interrupted".
	Ended    string   `json:"ended"`
	Settings Settings `json:"settings"`
	// Lateness is how late this machine sent requests (the 99th percentile). Latencies include it.
	Lateness Millis       `json:"lateness_p99_ms"`
	Latency  Latency      `json:"latency"`
	Lanes    []LaneReport `json:"lanes"`
	Timeline []Bin        `json:"timeline"`
	Failures []Failure    `json:"failures"`
	// Pods are the pods that have answered, if --pod-header names them.
	Pods []PodReport `json:"pods,omitempty"`
	// Rollout is what happened to the pods. It is absent without a workload.
	Rollout *Rollout `json:"rollout,omitempty"`
}

// Settings are those of the load.
type Settings struct {
	Rate        float64 `json:"rate"`
	Timeout     Seconds `json:"timeout_seconds"`
	Connections int     `json:"connections"`
	Expect      string  `json:"expect"`
}

// A LaneReport is the result of one lane.
type LaneReport struct {
	Method      string         `json:"method"`
	Protocol    string         `json:"protocol"`
	Connections string         `json:"connections"` // new or kept
	Requests    int            `json:"requests"`
	Lost        int            `json:"lost"`
	Causes      map[string]int `json:"causes"`
	Latency     Latency        `json:"latency"`
}

// Name returns the name of the lane, such as "GET HTTP/1.1 kept".
func (l LaneReport) Name() string { return l.Method + " " + l.Protocol + " " + l.Connections }

// Latency has quantiles of the latencies of answered requests, counted from the time at which each
// request was due.
type Latency struct {
	P50 Millis `json:"p50_ms"`
	P90 Millis `json:"p90_ms"`
	P99 Millis `json:"p99_ms"`
	Max Millis `json:"max_ms"`
}

// A Bin has the requests that were due in one second (or more, see At) of the load.
type Bin struct {
	At       Seconds        `json:"at"` // from the start of the load to the start of the bin
	Requests int            `json:"requests"`
	Lost     int            `json:"lost"`
	Causes   map[string]int `json:"causes,omitempty"`
	P50      Millis         `json:"p50_ms"`
	P99      Millis         `json:"p99_ms"`
}

// A Failure is one lost request.
type Failure struct {
	At      Seconds `json:"at"` // when it was due, from the start of the load
	Took    Seconds `json:"took"`
	Lane    string  `json:"lane"`
	Cause   string  `json:"cause"`
	Error   string  `json:"error"`
	Address string  `json:"address,omitempty"`
	Pod     string  `json:"pod,omitempty"`
}

// A PodReport has the requests that a pod has answered.
type PodReport struct {
	Name     string  `json:"name"`
	Requests int     `json:"requests"`
	First    Seconds `json:"first"` // when the first was sent, from the start of the load
	Last     Seconds `json:"last"`
}

// Seconds is a time in JSON, with milliseconds.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(time.Duration(s).Seconds()*1e3) / 1e3)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var v float64
	err := json.Unmarshal(text, &v)
	*s = Seconds(v * float64(time.Second))
	return err
}

// Millis is a latency in JSON, in milliseconds.
type Millis time.Duration

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(time.Duration(m).Seconds()*1e5) / 1e2)
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Millis) UnmarshalJSON(text []byte) error {
	var v float64
	err := json.Unmarshal(text, &v)
	*m = Millis(v * float64(time.Millisecond))
	return err
}

// Report returns the report of a result. ended is why the load ended, unless a limit did.
func (m *Measurement) Report(r *Result, ended string) *Report {
	causes := byCause(r.Result)
	requests, lost := r.Requests(), len(r.Failures())
	p := &Report{
		Schema: Schema, Version: m.cfg.Version, Requests: requests, Lost: lost, Causes: causes,
		LostShareMax: upperBound(lost, requests), URL: shown(m.cfg.URL),
		Addresses: m.book.addresses(), Notes: m.book.notes(), Started: r.Start.UTC(),
		Seconds: Seconds(r.Took), Ended: cmp.Or(r.Ended, ended),
		Settings: Settings{
			Rate: m.cfg.Rate, Timeout: Seconds(m.cfg.Timeout), Connections: m.cfg.Connections,
			Expect: m.cfg.Expect.String(),
		},
		Latency: latency(r.Result), Timeline: timeline(r), Failures: failures(r.Result),
		Lateness: Millis(r.Lateness(0.99)[0]), Pods: podReports(r),
	}
	if requests > 0 {
		p.LostShare = float64(lost) / float64(requests)
	}
	for _, l := range m.lanes {
		p.Lanes = append(p.Lanes, laneReport(r.Result, l))
	}
	return p
}

func byCause(r *openloop.Result[Lane]) map[string]int {
	n := map[string]int{}
	for cause, count := range r.ByCause() {
		n[string(cause)] = count
	}
	return n
}

func latency(r *openloop.Result[Lane]) Latency {
	q := r.Latency(0.5, 0.9, 0.99, 1)
	return Latency{Millis(q[0]), Millis(q[1]), Millis(q[2]), Millis(q[3])}
}

func laneReport(r *openloop.Result[Lane], l Lane) LaneReport {
	part := &openloop.Result[Lane]{Start: r.Start}
	for _, s := range r.Samples {
		if s.Request == l {
			part.Samples = append(part.Samples, s)
		}
	}
	return LaneReport{
		Method: l.Method, Protocol: string(l.Protocol), Connections: l.Connections(),
		Requests: part.Requests(), Lost: len(part.Failures()), Causes: byCause(part), Latency: latency(part),
	}
}

// mostBins bounds the timeline of a long load.
const mostBins = 600

// timeline returns bins of a second, or of more seconds if there would be too many.
func timeline(r *Result) []Bin {
	width := time.Second
	for r.Took/width >= mostBins {
		width += time.Second
	}
	var bins []Bin
	if r.Requests() == 0 {
		return bins
	}
	last := r.Samples[len(r.Samples)-1].Due
	for at := time.Duration(0); at <= last; at += width {
		part := r.Between(at, at+width)
		q := part.Latency(0.5, 0.99)
		bins = append(bins, Bin{
			At: Seconds(at), Requests: part.Requests(), Lost: len(part.Failures()), Causes: byCause(part),
			P50: Millis(q[0]), P99: Millis(q[1]),
		})
	}
	return bins
}

func failures(r *openloop.Result[Lane]) []Failure {
	all := []Failure{}
	for _, s := range r.Failures() {
		f := Failure{
			At: Seconds(s.Due), Took: Seconds(s.Took), Lane: s.Request.String(), Cause: string(s.Cause),
			Error: s.Err.Error(),
		}
		if lost := (*failure)(nil); errors.As(s.Err, &lost) {
			f.Address, f.Pod = lost.address, lost.pod
		}
		all = append(all, f)
	}
	return all
}

func podReports(r *Result) []PodReport {
	var all []PodReport
	for _, name := range slices.Sorted(maps.Keys(r.Pods)) {
		p := r.Pods[name]
		all = append(all, PodReport{
			name, p.Requests, Seconds(p.First.Sub(r.Start)), Seconds(p.Last.Sub(r.Start)),
		})
	}
	return all
}

// Write writes the report as JSON to a file.
func (p *Report) Write(path string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// ReadReport reads a report from a file.
func ReadReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := new(Report)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("read %s: its schema is %q, and this version of lameduckctl reads %s", path,
			p.Schema, Schema)
	}
	return p, nil
}
