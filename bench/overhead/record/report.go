package record

import (
	"time"

	"lameduck/bench/internal/machine"
)

// A Report has all results of a run. The documentation of bench/overhead describes its JSON form.
type Report struct {
	Machine     machine.Description `json:"machine"`
	Time        time.Time           `json:"time"`
	Quick       bool                `json:"quick"`
	Rounds      int                 `json:"rounds"`
	Seconds     float64             `json:"keepalive_seconds"`
	Connections int                 `json:"idle_connections"`
	Cases       []Case              `json:"cases"`
	Peers       []Peer              `json:"peers"`
	Series      []Series            `json:"series"`
	Notes       []string            `json:"notes"`
	Targets     []Verdict           `json:"targets"`
}

// A Case is one measurement that was made of every peer.
type Case struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Rate        int    `json:"rate,omitempty"`        // requests per second
	Connections int    `json:"connections,omitempty"` // idle connections
	Check       bool   `json:"check,omitempty"`       // a check rather than a measurement
}

// A Peer is one of the measured proxies.
type Peer struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version,omitempty"`
}

// A Verdict is the result of a target.
type Verdict struct {
	Sentence string `json:"sentence"`
	Holds    bool   `json:"holds"`
	Measured bool   `json:"measured"`
}
