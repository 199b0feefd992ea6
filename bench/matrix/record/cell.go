package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Family is a kind of strategies. It determines the colour and the order of a strategy.
type Family string

// The families, in the order of the tables.
const (
	Bare     Family = "bare"
	Graceful Family = "graceful" // an app with a graceful shutdown, and nothing else
	Sleep    Family = "sleep"
	Peer     Family = "peer"
	Fixed    Family = "fixed" // Lameduck with one quiet time for every source
	Lameduck Family = "lameduck"
)

// An Expectation is the expected result of a cell. It is empty if nothing is expected.
type Expectation string

const (
	// NoLoss is Lameduck's promise: no request is lost, and pods end soon after the load balancer
	// has removed them.
	NoLoss Expectation = "no loss"
	// Loss is expected of pods that end before the load balancer has removed them. If nothing is
	// lost, the harness is suspect.
	Loss Expectation = "loss"
	// LossAmong is a loss that is expected in at least one of the group's cells with this
	// expectation.
	LossAmong Expectation = "loss among them"
)

// A Setup is the configuration of a cell.
type Setup struct {
	Strategy string `json:"strategy"`
	Family   Family `json:"family"`
	// Delay is the fixed time that the strategy waits before the app is stopped.
	Delay Seconds `json:"delay_s,omitempty"`
	// HoldMin and HoldQuiet configure Lameduck's hold.
	HoldMin   Seconds `json:"hold_min_s,omitempty"`
	HoldQuiet Seconds `json:"hold_quiet_s,omitempty"`
	// Settings are further variables of Lameduck that the app needs.
	Settings []string `json:"settings,omitempty"`
	App      string   `json:"app"`
	Balancer string   `json:"balancer"`
	// Lags has the delay of each node of the load balancer in removing a pod.
	Lags []Seconds `json:"lags_s"`
	// Keepalive is the number of idle connections that the load balancer keeps to each pod.
	Keepalive int     `json:"keepalive"`
	Retries   int     `json:"retries"`
	Replicas  int     `json:"replicas"`
	Rate      float64 `json:"rate_per_s"`
	// Random means that requests are a Poisson process. Otherwise they are evenly spaced.
	Random   bool     `json:"random,omitempty"`
	Seed     uint64   `json:"seed,omitempty"`
	Requests []string `json:"requests"` // kinds, sent in turn
	InFlight []string `json:"in_flight"`
	Calm     Seconds  `json:"calm_s"`
	MinReady Seconds  `json:"min_ready_s"`
	Grace    Seconds  `json:"grace_s"`
}

// Lag returns the longest delay of a node.
func (s Setup) Lag() time.Duration {
	if len(s.Lags) == 0 {
		return 0
	}
	return time.Duration(slices.Max(s.Lags))
}

// A Cell is the record of one rolling update under load.
type Cell struct {
	Name   string      `json:"name"` // unique
	Group  string      `json:"group"`
	Expect Expectation `json:"expect,omitempty"`
	Setup  Setup       `json:"setup"`
	// Binary identifies the build of lameduck.
	Binary string    `json:"lameduck"`
	Began  time.Time `json:"began"`
	Took   Seconds   `json:"took_s"`

	Requests int            `json:"requests"`
	Lost     int            `json:"lost"`
	ByCause  map[string]int `json:"lost_by_cause"`
	// Changeovers is the number of requests that were reset by the load balancer's own changeover,
	// before any pod saw them. They are neither answered nor lost. Resets has the first ones.
	Changeovers int       `json:"changeovers"`
	Resets      []Failure `json:"changeover_resets,omitempty"`
	// LostInCalm is the number of requests that were lost before the rollout, by the harness.
	LostInCalm int `json:"lost_in_calm"`
	// Bins count the requests from 5 s before the first t0 until the load's end.
	Bins []Bin `json:"bins"`
	// Failures has the first failures.
	Failures []Failure `json:"failures,omitempty"`
	Pods     []Pod     `json:"pods"`
	// Hooks are the preStop hooks that failed or outlasted the grace period.
	Hooks []string `json:"failed_hooks,omitempty"`
	// Calm is the latency before the rollout, and Rollout the latency from then on.
	Calm    Latency `json:"latency_calm"`
	Rollout Latency `json:"latency_rollout"`
}

// BinWidth is the width of a bin.
const BinWidth = 500 * time.Millisecond

// A Bin counts the requests that were sent and those that were lost, from At on for [BinWidth]. A
// request can be lost long after it was sent. In JSON a bin is the array [at, sent, lost].
type Bin struct {
	At   Seconds // since the first t0
	Sent int
	Lost int
}

// MarshalJSON writes [at, sent, lost].
func (b Bin) MarshalJSON() ([]byte, error) {
	at, err := b.At.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "[%s,%d,%d]", at, b.Sent, b.Lost), nil
}

// UnmarshalJSON reads [at, sent, lost].
func (b *Bin) UnmarshalJSON(text []byte) error {
	var fields []json.Number
	if err := json.Unmarshal(text, &fields); err != nil || len(fields) != 3 {
		return fmt.Errorf("read %s as a bin: want [at, sent, lost]", text)
	}
	sent, errSent := fields[1].Int64()
	lost, errLost := fields[2].Int64()
	b.Sent, b.Lost = int(sent), int(lost)
	return errors.Join(b.At.UnmarshalJSON([]byte(fields[0])), errSent, errLost)
}

// A Failure is a request that was lost, or reset by a changeover. Its times count from the first
// t0.
type Failure struct {
	Sent    Seconds `json:"sent_s"`
	Lost    Seconds `json:"lost_s"`
	Request string  `json:"request"`
	Cause   string  `json:"cause"`
	Error   string  `json:"error"`
}

// A Pod is the termination of a pod. All times except T0 count from its t0.
type Pod struct {
	Addr string  `json:"addr"`
	T0   Seconds `json:"t0_s"` // since the first t0
	// Took is the termination time, until the last process had ended.
	Took Seconds `json:"took_s"`
	// Lag is the load balancer's true delay, until its last node stopped choosing the pod.
	Lag Seconds `json:"true_delay_s"`
	// Answered is the time of the last answer to a request that was sent, to any pod, before the
	// load balancer removed this one. It is an upper bound for the last answer of this pod, since
	// the harness does not know which pod answered a request.
	Answered Seconds `json:"answered_s"`
	// Required is the required silence in Lameduck's termination message, or nil.
	Required *Seconds `json:"required_s,omitempty"`
	// Message is Lameduck's termination message.
	Message string `json:"message,omitempty"`
}

// A Latency has quantiles of the latencies of answered requests, from the time at which they were
// due. They are zero if no request was answered.
type Latency struct {
	Requests int     `json:"requests"`
	P50      Seconds `json:"p50_s"`
	P99      Seconds `json:"p99_s"`
	P999     Seconds `json:"p99_9_s"`
	Max      Seconds `json:"max_s"`
}

// Termination returns the median and the longest of the pods' termination times.
func (c Cell) Termination() (median, longest Seconds) {
	return c.spread(func(p Pod) Seconds { return p.Took })
}

// TrueDelay returns the median and the longest of the load balancer's true delays.
func (c Cell) TrueDelay() (median, longest Seconds) {
	return c.spread(func(p Pod) Seconds { return p.Lag })
}

// Required returns the longest required silence in Lameduck's termination messages, and false if
// there is none.
func (c Cell) Required() (longest Seconds, found bool) {
	for _, p := range c.Pods {
		if p.Required != nil {
			longest, found = max(longest, *p.Required), true
		}
	}
	return longest, found
}

// spread returns the median, which is the upper one for an even number of pods, and the maximum.
// Both are zero if there are no pods.
func (c Cell) spread(of func(Pod) Seconds) (median, longest Seconds) {
	var all []Seconds
	for _, p := range c.Pods {
		all = append(all, of(p))
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)-1]
}

// Where returns the middle of the cell's name, without its group and its strategy: "nginx" for
// "balancers/nginx/bare".
func (c Cell) Where() string {
	where := strings.TrimPrefix(c.Name, c.Group+"/")
	if i := strings.LastIndexByte(where, '/'); i >= 0 {
		return where[:i]
	}
	return ""
}

// Share returns the share of the requests that were lost, from 0 to 1.
func (c Cell) Share() float64 { return c.share(c.Lost) }

func (c Cell) share(n int) float64 { return float64(n) / float64(max(c.Requests, 1)) }
