package record

import (
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/internal/machine"
)

// FileName is the name of the results of the simulation.
const FileName = "hold.json"

// A File has the results of a run of the simulation.
type File struct {
	Machine  machine.Description `json:"machine"`
	Time     time.Time           `json:"time"`
	Command  string              `json:"command"`
	Seconds  float64             `json:"seconds"` // that the run took
	Seed     uint64              `json:"seed"`
	Rollouts int                 `json:"rollouts"` // of each shape
	Rules    []Rule              `json:"rules"`    // the first one is Lameduck's
	Shapes   []Shape             `json:"shapes"`
}

// A Rule is one that ends holds.
type Rule struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// A Shape is one shape of traffic with its outcomes, in the order of the rules.
type Shape struct {
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	About    string    `json:"about,omitempty"`
	Limits   *Limits   `json:"limits,omitempty"` // nil if nothing is promised
	Outcomes []Outcome `json:"outcomes"`
}

// Limits are the promises for a shape, in seconds and as a share.
type Limits struct {
	AfterP50 float64 `json:"after_p50"`
	AfterP90 float64 `json:"after_p90"`
	Early    float64 `json:"early"`
}

// An Outcome is what became of the rollouts of one shape under one rule. Times are in seconds.
type Outcome struct {
	AfterP50 float64 `json:"after_p50"` // from the last request to the end of the hold
	AfterP90 float64 `json:"after_p90"`
	HoldP50  float64 `json:"hold_p50"`
	HoldP90  float64 `json:"hold_p90"`
	Early    int     `json:"early"`  // rollouts with a request after the end of the hold
	Lost     int     `json:"lost"`   // requests after the end of the hold
	AtMax    int     `json:"at_max"` // rollouts whose hold lasted until the maximum
}

// Keeps reports whether an outcome of a number of rollouts keeps the limits. Times are compared as
// they are shown, to a tenth of a second.
func (l Limits) Keeps(o Outcome, rollouts int) bool {
	const tenth = 0.05
	return o.AfterP50 < l.AfterP50+tenth && o.AfterP90 < l.AfterP90+tenth &&
		float64(o.Early) <= l.Early*float64(rollouts)
}

// Missed returns the names of the shapes whose limits the first rule does not keep.
func (f *File) Missed() (names []string) {
	for _, s := range f.Shapes {
		if s.Limits != nil && !s.Limits.Keeps(s.Outcomes[0], f.Rollouts) {
			names = append(names, s.Name)
		}
	}
	return names
}

// Read reads the file at path. Its error is [os.ErrNotExist] if there is none.
func Read(path string) (*File, error) { return jsonfile.Read[File](path) }

// Write writes the file to path.
func (f *File) Write(path string) error { return jsonfile.Write(path, f) }
