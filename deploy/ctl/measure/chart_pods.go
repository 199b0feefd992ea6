package measure

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"time"

	"lameduck/lifecycle/plural"
)

// mostLanes is how many pods the chart shows. The table has all.
const mostLanes = 40

// A mark is an event of a pod in the chart. Marks differ by shape.
type mark struct {
	name string
	at   func(RolloutPod) *Seconds
	path string // around its point
}

// marks are in the order in which they happen.
var marks = []mark{
	{"ready", func(p RolloutPod) *Seconds { return p.Ready }, "m0 -6l6 11h-12z"},
	{"deleted (t0)", func(p RolloutPod) *Seconds { return p.T0 }, "m0 -7v14"},
	{"removed from endpoints", func(p RolloutPod) *Seconds { return p.Unrouted }, "m0 -4.5a4.5 4.5 0 1 0 .1 0z"},
	{"last request", RolloutPod.lastRequest, "m-5 -5l10 10m0 -10l-10 10"},
	{"stopped", func(p RolloutPod) *Seconds { return cmp.Or(p.Stopped, p.Gone) }, "m-4.5 -4.5h9v9h-9z"},
}

// lastRequest returns when the load balancer sent the last request, as far as that is known.
func (p RolloutPod) lastRequest() *Seconds {
	if p.T0 == nil || p.Delay == nil {
		return nil
	}
	at := *p.T0 + *p.Delay
	return &at
}

// podChart draws each pod as a line: from t0 to its end, or from when it was ready.
func (p *Report) podChart() template.HTML {
	if p.Rollout == nil || len(p.Rollout.Pods) == 0 {
		return ""
	}
	pods := p.Rollout.Pods[:min(len(p.Rollout.Pods), mostLanes)]
	const row = 20.0
	c := newChart(fmt.Sprintf("%s over time: when each was ready, deleted and stopped", plural.Count(len(pods), "pod")),
		time.Duration(p.Seconds), 14+row*float64(len(pods)))
	c.markKey()
	for i, pod := range pods {
		c.pod(pod, chartTop+14+row*float64(i))
	}
	c.axis()
	return c.finish()
}

// markKey explains the marks above the plot.
func (c *chart) markKey() {
	x := chartLeft + 6
	for _, m := range marks {
		fmt.Fprintf(c, `<path class="mark" d="M%.1f %.1f%s"/>`, x, chartTop-8, m.path)
		c.text(x+10, chartTop-4, "start", "title", m.name)
		x += 40 + 6.6*float64(len(m.name))
	}
}

// pod draws the line of a pod. Its name is at the line's right, or left where there is more room.
func (c *chart) pod(p RolloutPod, y float64) {
	from, to := cmp.Or(p.T0, p.Ready), cmp.Or(p.Gone, p.Stopped)
	if from == nil {
		from = to
	}
	if from == nil {
		return
	}
	start, end := c.x(time.Duration(*from).Seconds()), chartRight
	if to != nil {
		end = c.x(time.Duration(*to).Seconds())
	}
	class := "new"
	if p.T0 != nil {
		class = "old"
	}
	fmt.Fprintf(c, `<g><title>%s</title><path class="%s" d="M%.1f %.1fH%.1f"/>`, html.EscapeString(p.Name), class,
		start, y, end)
	for _, m := range marks {
		if at := m.at(p); at != nil {
			fmt.Fprintf(c, `<path class="mark" d="M%.1f %.1f%s"/>`, c.x(time.Duration(*at).Seconds()), y, m.path)
		}
	}
	if at := p.lastRequest(); at != nil {
		end = max(end, c.x(time.Duration(*at).Seconds()))
	}
	if label := shortName(p.Name); end+140 < chartRight {
		c.text(end+10, y+4, "start", "", label)
	} else {
		c.text(start-10, y+4, "end", "", label)
	}
	c.WriteString("</g>")
}

// shortName returns the end of a long name, which distinguishes the pods of a workload.
func shortName(name string) string {
	const most = 24
	if len(name) <= most {
		return name
	}
	return "…" + name[len(name)-most:]
}
