package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Family is the kind of a strategy, which decides its colour and its place.
type Family string

// The families, in the order in which they are shown.
const (
	Bare     Family = "bare"
	Graceful Family = "graceful" // the app ends as its framework advises, and nothing else is done
	Sleep    Family = "sleep"
	Peer     Family = "peer"
	Fixed    Family = "fixed" // Lameduck without its rule: one quiet time for every source
	Lameduck Family = "lameduck"
)

// Expectation is what a cell must show. Empty: it is shown, and nothing is claimed.
type Expectation string

const (
	// NoLoss is Lameduck's promise: no request is lost, and pods end soon after the load balancer has let go.
	NoLoss Expectation = "no loss"
	// Loss is what must happen to pods that end before the load balancer has let go. Where it does not, the harness is
	// under suspicion.
	Loss Expectation = "loss"
	// LossAmong is a loss that must happen in at least one of the group's cells that have this expectation.
	LossAmong Expectation = "loss among them"
)

// Setup is what a cell tries: two cells with the same setup try the same.
type Setup struct {
	Strategy string `json:"strategy"`
	Family   Family `json:"family"`
	// Delay is the fixed time that the strategy waits before the app is stopped; zero: none.
	Delay Seconds `json:"delay_s,omitempty"`
	// HoldMin and HoldQuiet are Lameduck's.
	HoldMin   Seconds `json:"hold_min_s,omitempty"`
	HoldQuiet Seconds `json:"hold_quiet_s,omitempty"`
	// Settings are further variables of Lameduck's, for the app.
	Settings []string `json:"settings,omitempty"`
	App      string   `json:"app"`
	Balancer string   `json:"balancer"`
	// Lags has one entry for each node of the load balancer: how late it learns of a pod's end.
	Lags []Seconds `json:"lags_s"`
	// Keepalive is how many idle connections the load balancer keeps to each pod; 0: none.
	Keepalive int     `json:"keepalive"`
	Retries   int     `json:"retries"`
	Replicas  int     `json:"replicas"`
	Rate      float64 `json:"rate_per_s"`
	// Random requests are a Poisson process; others are evenly spaced.
	Random   bool     `json:"random,omitempty"`
	Seed     uint64   `json:"seed,omitempty"`
	Requests []string `json:"requests"` // kinds, sent in turn
	InFlight []string `json:"in_flight"`
	Calm     Seconds  `json:"calm_s"`
	MinReady Seconds  `json:"min_ready_s"`
	Grace    Seconds  `json:"grace_s"`
}

// Lag is that of the node that learns last.
func (s Setup) Lag() time.Duration {
	if len(s.Lags) == 0 {
		return 0
	}
	return time.Duration(slices.Max(s.Lags))
}

// Cell is one rolling update under load.
type Cell struct {
	Name   string      `json:"name"` // unique
	Group  string      `json:"group"`
	Expect Expectation `json:"expect,omitempty"`
	Setup  Setup       `json:"setup"`
	// Binary tells the lameduck that was measured from others.
	Binary string    `json:"lameduck"`
	Began  time.Time `json:"began"`
	Took   Seconds   `json:"took_s"`

	Requests int            `json:"requests"`
	Lost     int            `json:"lost"`
	ByCause  map[string]int `json:"lost_by_cause"`
	// Changeovers are the requests that were reset by the load balancer's own changeover, before any pod saw them. They are
	// neither answered nor lost. Resets are the first ones.
	Changeovers int       `json:"changeovers"`
	Resets      []Failure `json:"changeover_resets,omitempty"`
	// LostInCalm were lost before any pod was told to end: the harness lost them, and no strategy.
	LostInCalm int `json:"lost_in_calm"`
	// Bins count the requests from 5 s before the first pod was told to end until the load's end.
	Bins []Bin `json:"bins"`
	// Failures are the first ones.
	Failures []Failure `json:"failures,omitempty"`
	Pods     []Pod     `json:"pods"`
	// Hooks are the preStop hooks that failed or outlasted the grace period.
	Hooks []string `json:"failed_hooks,omitempty"`
	// Calm is before the rollout, Rollout all the rest.
	Calm    Latency `json:"latency_calm"`
	Rollout Latency `json:"latency_rollout"`
}

// BinWidth is the width of a bin.
const BinWidth = 500 * time.Millisecond

// Bin counts the requests that were sent and those that were lost, from At on for [BinWidth]. A request
// can be lost long after it was sent. In JSON a bin is the array [at, sent, lost].
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

// Failure is a request that was lost, or reset by a changeover. Its times count from the first t0.
type Failure struct {
	Sent    Seconds `json:"sent_s"`
	Lost    Seconds `json:"lost_s"`
	Request string  `json:"request"`
	Cause   string  `json:"cause"`
	Error   string  `json:"error"`
}

// Pod is a pod's end. Its times but T0 count from its own t0.
type Pod struct {
	Addr string  `json:"addr"`
	T0   Seconds `json:"t0_s"` // since the first t0
	// Took is the termination time: until the last process had ended.
	Took Seconds `json:"took_s"`
	// Lag is the load balancer's true delay: until its last node chose the pod for no new request.
	Lag Seconds `json:"true_delay_s"`
	// Answered is when the last request had been answered that was sent, to whichever pod, before the load balancer let
	// go of this one. Nobody outside knows which pod answered what, so this one's last answer came no later.
	Answered Seconds `json:"answered_s"`
	// Required is the silence that Lameduck says it required; nil where it says nothing.
	Required *Seconds `json:"required_s,omitempty"`
	// Story is Lameduck's termination message.
	Story string `json:"story,omitempty"`
}

// Latency is of answered requests, from the moment they were due. Its times are zero where none was answered.
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

// Required returns the longest silence that Lameduck says it required, and false where it says none.
func (c Cell) Required() (longest Seconds, told bool) {
	for _, p := range c.Pods {
		if p.Required != nil {
			longest, told = max(longest, *p.Required), true
		}
	}
	return longest, told
}

// spread returns the median, of an even number the upper one, and the maximum. Both are zero for no pods.
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

// Where is the middle of the cell's name, without its group and its strategy: "nginx" of "balancers/nginx/bare".
func (c Cell) Where() string {
	where := strings.TrimPrefix(c.Name, c.Group+"/")
	if i := strings.LastIndexByte(where, '/'); i >= 0 {
		return where[:i]
	}
	return ""
}

// Share is the lost part of the requests, from 0 to 1.
func (c Cell) Share() float64 { return c.share(c.Lost) }

func (c Cell) share(n int) float64 { return float64(n) / float64(max(c.Requests, 1)) }
