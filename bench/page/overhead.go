package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"lameduck/bench/internal/jsonfile"
	"lameduck/bench/internal/machine"
	"lameduck/bench/internal/table"
)

// overhead is the part of the JSON of bench/overhead that is shown.
type overhead struct {
	Machine machine.Description `json:"machine"`
	Time    time.Time           `json:"time"`
	Quick   bool                `json:"quick"`
	Rounds  int                 `json:"rounds"`
	Cases   []overheadCase      `json:"cases"`
	Peers   []overheadPeer      `json:"peers"`
	Series  []series            `json:"series"`
	Notes   []string            `json:"notes"`
	Targets []target            `json:"targets"`
}

// An overheadCase is one measurement that is made of every peer.
type overheadCase struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Check bool   `json:"check"`
}

// An overheadPeer is one of the measured proxies.
type overheadPeer struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version"`
}

// A series is one metric of one peer in one case.
type series struct {
	Case   string    `json:"case"`
	Peer   string    `json:"peer"`
	Metric string    `json:"metric"`
	Title  string    `json:"title"`
	Unit   string    `json:"unit"`
	Digits int       `json:"digits"`
	Hidden bool      `json:"hidden"`
	Values []float64 `json:"values"`
	Median float64   `json:"median"`
	Low    float64   `json:"low"`
	High   float64   `json:"high"`
	// AtLeast means that the values are lower bounds, since the load was too low.
	AtLeast bool `json:"at_least"`
	// Ratio is Lameduck's value divided by this peer's, computed round by round. It is 0 if there
	// is none.
	Ratio float64 `json:"lameduck_ratio"`
}

// A target is a verdict on one value.
type target struct {
	Sentence string `json:"sentence"`
	Holds    bool   `json:"holds"`
	Measured bool   `json:"measured"`
}

// lameduck is the name of Lameduck among the peers.
const lameduck = "lameduck"

// readOverhead reads the file at path. It returns [os.ErrNotExist] if there is none.
func readOverhead(path string) (*overhead, error) { return jsonfile.Read[overhead](path) }

// costs returns the cases with a CPU time of Lameduck, except checks of the harness.
func (o *overhead) costs() []overheadCase {
	return slices.DeleteFunc(slices.Clone(o.Cases), func(c overheadCase) bool {
		_, found := o.find(c.Name, lameduck, "cpu")
		return !found || c.Check
	})
}

// metrics returns one series for each visible metric of a case.
func (o *overhead) metrics(caseName string) []series {
	var all []series
	for _, s := range o.Series {
		known := slices.ContainsFunc(all, func(t series) bool { return t.Metric == s.Metric })
		if s.Case == caseName && !known && !s.Hidden {
			all = append(all, s)
		}
	}
	return all
}

// find returns a peer's series of a metric, and false if it was not measured.
func (o *overhead) find(caseName, peer, metric string) (series, bool) {
	i := slices.IndexFunc(o.Series, func(s series) bool {
		return s.Case == caseName && s.Peer == peer && s.Metric == metric
	})
	if i < 0 || len(o.Series[i].Values) == 0 {
		return series{}, false
	}
	return o.Series[i], true
}

// String formats the median, and the lowest and highest value if they differ from each other as
// formatted.
func (s series) String() string {
	middle, low, high := s.show(s.Median), s.show(s.Low), s.show(s.High)
	if s.AtLeast {
		middle = "≥ " + middle
	}
	if low == high {
		return middle
	}
	return fmt.Sprintf("%s (%s–%s)", middle, low, high)
}

// show formats a value with its significant digits, and a comma between thousands.
func (s series) show(v float64) string {
	if s.Digits == 0 {
		return table.Count(int(math.Round(v)))
	}
	return fmt.Sprintf("%.*f", s.Digits, v)
}

// spread returns the largest difference of a round from the median, as a share of the median.
func (s series) spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return max(s.High-s.Median, s.Median-s.Low) / s.Median
}
