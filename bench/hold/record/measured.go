package record

import (
	"fmt"
	"slices"
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/table"
)

// MeasuredName is the name of the results of the real program.
const MeasuredName = "hold-real.json"

// A Measured has the results of the real program.
type Measured struct {
	Machine machine.Description `json:"machine"`
	Time    time.Time           `json:"time"`
	Command string              `json:"command"`
	History float64             `json:"history"` // seconds that the program served before the drain
	Shapes  []MeasuredShape     `json:"shapes"`
}

// A MeasuredShape has the drains of one shape.
type MeasuredShape struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Limits *Limits `json:"limits,omitempty"`
	Drains []Drain `json:"drains"`
}

// A Drain is one drain of the real program. Times are in seconds.
type Drain struct {
	Requests int     `json:"requests"`
	Lost     int     `json:"lost"`
	Last     float64 `json:"last"`    // request, from the drain's start; negative if there was none
	Hold     float64 `json:"hold"`    // its length
	Summary  string  `json:"summary"` // of the program
}

// after is the time from the last request, or the drain's start, to the end of the hold.
func (d Drain) after() float64 { return d.Hold - max(d.Last, 0) }

// outcome summarizes the drains.
func (s MeasuredShape) outcome() (o Outcome, requests int) {
	var after, hold []float64
	for _, d := range s.Drains {
		requests += d.Requests
		o.Lost += d.Lost
		if d.Lost > 0 {
			o.Early++
		}
		after, hold = append(after, d.after()), append(hold, d.Hold)
	}
	o.AfterP50, o.AfterP90 = quantile(after, 0.5), quantile(after, 0.9)
	o.HoldP50, o.HoldP90 = quantile(hold, 0.5), quantile(hold, 0.9)
	return o, requests
}

// quantile returns the value that this share of the values is below. It sorts them.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

// overhead is what the real program may take longer than the simulation: the scheduling of a busy
// machine, and exchanges that take time.
const overhead = 0.5

// Keeps reports whether no request was lost and the times keep the limits.
func (s MeasuredShape) Keeps() bool {
	o, _ := s.outcome()
	if s.Limits == nil || o.Lost > 0 {
		return o.Lost == 0
	}
	return o.AfterP50 <= s.Limits.AfterP50+overhead && o.AfterP90 <= s.Limits.AfterP90+overhead
}

// Table is the table of all shapes.
func (m *Measured) Table() table.Table {
	t := table.Table{
		Header: []string{"shape", "drains", "requests", "lost", "after, p50", "limit", "after, p90",
			"limit", "hold, p50", "hold, p90", "verdict"},
		Align: "lrrrrrrrrrl",
	}
	for _, s := range m.Shapes {
		o, requests := s.outcome()
		row := []string{s.Title, table.Count(len(s.Drains)), table.Count(requests),
			table.Count(o.Lost), seconds(o.AfterP50), "", seconds(o.AfterP90), "",
			seconds(o.HoldP50), seconds(o.HoldP90), "PASS"}
		if s.Limits != nil {
			row[5], row[7] = fmt.Sprintf("%.0f s", s.Limits.AfterP50), fmt.Sprintf("%.0f s", s.Limits.AfterP90)
		}
		if !s.Keeps() {
			row[10] = "miss"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Missed returns the names of the shapes that miss their limits.
func (m *Measured) Missed() (names []string) {
	for _, s := range m.Shapes {
		if !s.Keeps() {
			names = append(names, s.Name)
		}
	}
	return names
}

// ReadMeasured reads the file at path. Its error is [os.ErrNotExist] if there is none.
func ReadMeasured(path string) (*Measured, error) { return jsonfile.Read[Measured](path) }

// Write writes the file to path.
func (m *Measured) Write(path string) error { return jsonfile.Write(path, m) }
