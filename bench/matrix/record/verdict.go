package record

import (
	"fmt"
	"time"

	"lameduck/bench/internal/table"
)

// A Verdict is whether a cell, or a group of cells, has the expected result.
type Verdict struct {
	Cell     string `json:"cell"`
	Sentence string `json:"sentence"`
	Holds    bool   `json:"holds"`
}

// allowance is the time that a pod may need for the kubelet's hooks, the app's stop and Lameduck's
// own exit.
const allowance = Seconds(time.Second)

// mostChangeovers is the largest share of requests that changeovers may reset. A single one is
// always allowed. There were one or two in 4,600 behind Caddy, and 11 in 9,300 on an overloaded
// machine. A much larger share could hide losses.
const mostChangeovers = 0.005

// Judge returns the verdicts on all expectations of the cells.
func Judge(cells []Cell) []Verdict {
	var all []Verdict
	for _, c := range cells {
		if c.LostInCalm > 0 {
			all = append(all, c.verdict(false, "%d requests were lost before the rollout: the harness is at fault",
				c.LostInCalm))
		}
		if c.Changeovers > 1 && c.share(c.Changeovers) > mostChangeovers {
			all = append(all, c.verdict(false, "%s of %s requests were reset by the load balancer's own changeover, "+
				"more than %s: the harness is at fault",
				table.Count(c.Changeovers), table.Count(c.Requests), Percent(mostChangeovers)))
		}
		switch c.Expect {
		case NoLoss:
			all = append(all, c.losesNothing(), c.endsInTime())
			for _, h := range c.Hooks {
				all = append(all, c.verdict(false, "a preStop hook of %s failed: %s", c.Setup.Strategy, h))
			}
		case Loss:
			all = append(all, c.losesSome())
		}
	}
	return append(all, judgeAmong(cells)...)
}

// Missed returns the verdicts that do not hold.
func Missed(all []Verdict) []Verdict {
	var missed []Verdict
	for _, v := range all {
		if !v.Holds {
			missed = append(missed, v)
		}
	}
	return missed
}

func (c Cell) verdict(holds bool, format string, args ...any) Verdict {
	return Verdict{c.Name, fmt.Sprintf(format, args...), holds}
}

func (c Cell) losesNothing() Verdict {
	if c.Lost == 0 {
		return c.verdict(c.Requests > 0, "%s lost none of %s requests%s",
			c.Setup.Strategy, table.Count(c.Requests), c.changeoverNote())
	}
	v := c.verdict(false, "%s lost %s of %s requests%s",
		c.Setup.Strategy, table.Count(c.Lost), table.Count(c.Requests), c.changeoverNote())
	if len(c.Failures) > 0 {
		f := c.Failures[0]
		v.Sentence += fmt.Sprintf(", the first a %s sent %v after t0: %s", f.Request, f.Sent, f.Error)
	}
	return v
}

// changeoverNote returns the number of requests that were neither answered nor lost, in brackets.
func (c Cell) changeoverNote() string {
	if c.Changeovers == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s more reset by the load balancer's own changeover)", table.Count(c.Changeovers))
}

func (c Cell) losesSome() Verdict {
	if c.Lost > 0 {
		return c.verdict(true, "%s lost %s of %s requests, as expected",
			c.Setup.Strategy, table.Count(c.Lost), table.Count(c.Requests))
	}
	return c.verdict(false, "%s lost none of %s requests although its pods end before the load balancer removes "+
		"them: suspect the harness", c.Setup.Strategy, table.Count(c.Requests))
}

// endsInTime holds if every pod ended within its bound.
func (c Cell) endsInTime() Verdict {
	worst, room := Pod{}, Seconds(0)
	for i, p := range c.Pods {
		if r := c.Bound(p) - p.Took; i == 0 || r < room {
			worst, room = p, r
		}
	}
	if len(c.Pods) == 0 {
		return c.verdict(false, "%s: no pod was replaced", c.Setup.Strategy)
	}
	s := fmt.Sprintf("a pod of %s ended %v after its t0, %v after the load balancer had removed it (%v)",
		c.Setup.Strategy, worst.Took, worst.Took-worst.Lag, worst.Lag)
	if worst.Answered > worst.Lag+allowance {
		s += fmt.Sprintf(", with answers until %v", worst.Answered)
	}
	s += fmt.Sprintf("; silence required: %v; bound: %v", c.required(worst), c.Bound(worst))
	return Verdict{c.Name, s, room >= 0}
}

// Bound returns when a pod behind Lameduck must have ended: a second after the required silence.
// The silence cannot begin before the load balancer has removed the pod and the last of its
// requests has been answered. See [Pod.Answered].
func (c Cell) Bound(p Pod) Seconds {
	return max(c.Setup.HoldMin, max(p.Lag, p.Answered)+c.required(p)) + allowance
}

// required returns the required silence in Lameduck's termination message, or else the configured
// minimum.
func (c Cell) required(p Pod) Seconds {
	if p.Required != nil {
		return *p.Required
	}
	return c.Setup.HoldQuiet
}

// judgeAmong returns one verdict for each group and strategy with the expectation [LossAmong].
func judgeAmong(cells []Cell) []Verdict {
	type key struct{ group, strategy string }
	var order []key
	among := map[key][]Cell{}
	for _, c := range cells {
		if c.Expect != LossAmong {
			continue
		}
		k := key{c.Group, c.Setup.Strategy}
		if among[k] == nil {
			order = append(order, k)
		}
		among[k] = append(among[k], c)
	}
	var all []Verdict
	for _, k := range order {
		all = append(all, amongVerdict(k.group, k.strategy, among[k]))
	}
	return all
}

func amongVerdict(group, strategy string, cells []Cell) Verdict {
	lossy, lost, requests := 0, 0, 0
	for _, c := range cells {
		lost, requests = lost+c.Lost, requests+c.Requests
		if c.Lost > 0 {
			lossy++
		}
	}
	s := fmt.Sprintf("%s lost %s of %s requests, in %d of %d rollouts",
		strategy, table.Count(lost), table.Count(requests), lossy, len(cells))
	if lost == 0 {
		s += ", but losses are expected: suspect the harness"
	}
	return Verdict{group, s, lost > 0}
}
