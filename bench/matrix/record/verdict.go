package record

import (
	"fmt"
	"strings"
	"time"
)

// Verdict says of a cell, or of a group of them, whether it shows what it must.
type Verdict struct {
	Cell     string `json:"cell"`
	Sentence string `json:"sentence"`
	Holds    bool   `json:"holds"`
}

// allowance is what a pod may need past its bound: the kubelet's hooks, the app's stop and Lameduck's own end.
const allowance = Seconds(time.Second)

// mostChangeovers is the share of requests that changeovers may reset, besides a single one, which is no share of anything. One
// to two in 4,600 were seen behind Caddy, and 11 in 9,300 on a machine that was starved meanwhile; an excuse for many times that
// would hide losses.
const mostChangeovers = 0.005

// Judge returns a verdict for everything that the cells claim.
func Judge(cells []Cell) []Verdict {
	var all []Verdict
	for _, c := range cells {
		if c.LostInCalm > 0 {
			all = append(all, c.verdict(false, "%d requests were lost before any pod was told to end: the harness is at fault", c.LostInCalm))
		}
		if c.Changeovers > 1 && c.share(c.Changeovers) > mostChangeovers {
			all = append(all, c.verdict(false, "%s of %s requests were reset by the load balancer's own changeover, more than %s: the harness is at fault",
				Count(c.Changeovers), Count(c.Requests), Percent(mostChangeovers)))
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
		return c.verdict(c.Requests > 0, "%s lost none of %s requests%s", c.Setup.Strategy, Count(c.Requests), c.besides())
	}
	v := c.verdict(false, "%s lost %s of %s requests%s", c.Setup.Strategy, Count(c.Lost), Count(c.Requests), c.besides())
	if len(c.Failures) > 0 {
		f := c.Failures[0]
		v.Sentence += fmt.Sprintf(", the first a %s sent %v after t0: %s", f.Request, f.Sent, f.Error)
	}
	return v
}

// besides tells of the requests that were neither answered nor lost.
func (c Cell) besides() string {
	if c.Changeovers == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s more reset by the load balancer's own changeover)", Count(c.Changeovers))
}

func (c Cell) losesSome() Verdict {
	if c.Lost > 0 {
		return c.verdict(true, "%s lost %s of %s requests, as it must", c.Setup.Strategy, Count(c.Lost), Count(c.Requests))
	}
	return c.verdict(false, "%s lost none of %s requests although its pods end before the load balancer lets go: suspect the harness",
		c.Setup.Strategy, Count(c.Requests))
}

// endsInTime holds where no pod outlasted its bound.
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
	s := fmt.Sprintf("a pod of %s ended %v after its t0, %v after the load balancer had let go (%v)",
		c.Setup.Strategy, worst.Took, worst.Took-worst.Lag, worst.Lag)
	if worst.Answered > worst.Lag+allowance {
		s += fmt.Sprintf(", with answers out until %v", worst.Answered)
	}
	s += fmt.Sprintf("; silence required: %v; bound: %v", c.required(worst), c.Bound(worst))
	return Verdict{c.Name, s, room >= 0}
}

// Bound is when a pod behind Lameduck must have ended: a second after it has seen the silence that it requires, which
// cannot begin before the load balancer has let go and the last of its requests has been answered. See [Pod.Answered].
func (c Cell) Bound(p Pod) Seconds {
	return max(c.Setup.HoldMin, max(p.Lag, p.Answered)+c.required(p)) + allowance
}

// required is what Lameduck says it required, or the least that it was told to require where it says nothing.
func (c Cell) required(p Pod) Seconds {
	if p.Required != nil {
		return *p.Required
	}
	return c.Setup.HoldQuiet
}

// judgeAmong returns one verdict for the cells of each group and strategy of which some must lose something.
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
	s := fmt.Sprintf("%s lost %s of %s requests, in %d of %d rollouts", strategy, Count(lost), Count(requests), lossy, len(cells))
	if lost == 0 {
		s += ", and must lose some: suspect the harness"
	}
	return Verdict{group, s, lost > 0}
}

// Count shows a number with its thousands apart.
func Count(n int) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
