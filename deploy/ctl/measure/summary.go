package measure

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"lameduck/bench/openloop"
	"lameduck/lifecycle/plural"
)

// causeTexts describes the causes in the order of tables.
var causeTexts = []struct {
	cause openloop.Cause
	text  string
}{
	{openloop.BadGateway, "answered 502: the load balancer got no response from a pod"},
	{openloop.Unavailable, "answered 503: the load balancer had no pod, or a pod refused"},
	{openloop.GatewayTimeout, "answered 504: the load balancer waited too long for a pod"},
	{openloop.OtherServerError, "answered with another status of 500 or more"},
	{openloop.OtherStatus, "answered with a status that was not expected"},
	{openloop.Refused, "connection refused"},
	{openloop.Reset, "connection or stream reset before the response"},
	{openloop.Closed, "connection closed without a response"},
	{openloop.Truncated, "response ended before its last byte"},
	{openloop.Timeout, "no complete response within the timeout"},
	{openloop.TLS, "TLS handshake failed"},
	{openloop.GoAway, "HTTP/2 GOAWAY left the request without a response"},
	{closeCode, "WebSocket closed with a code that means a failure"},
	{grpcStatus, "gRPC status is not OK"},
	{openloop.Garbled, "response violates its protocol"},
	{openloop.Local, "could not be sent by this machine"},
}

// CauseText describes a cause in a few words.
func CauseText(cause string) string {
	for _, c := range causeTexts {
		if string(c.cause) == cause {
			return c.text
		}
	}
	return ""
}

// sortedCauses returns the causes of counts, in the order of tables. Unknown ones are at the end.
func sortedCauses(counts map[string]int) []string {
	rank := func(cause string) int {
		for i, c := range causeTexts {
			if string(c.cause) == cause {
				return i
			}
		}
		return len(causeTexts)
	}
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

// Summary writes what a reader needs to know, on one screen.
func (p *Report) Summary(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n%s\n", p.URL, p.loadLine(), p.lostLine())
	for _, c := range sortedCauses(p.Causes) {
		fmt.Fprintf(&b, "  %8s  %-9s %s\n", count(p.Causes[c]), c, CauseText(c))
	}
	b.WriteByte('\n')
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "requests\tlost\tp50\tp99\tmax\t  lane")
	for _, l := range p.Lanes {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t  %s\n", count(l.Requests), count(l.Lost),
			l.Latency.P50, l.Latency.P99, l.Latency.Max, l.Name())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	p.podLines(&b)
	for _, note := range append(p.Advice(), p.AllNotes()...) {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mostPodLines is how many pods the summary shows.
const mostPodLines = 8

// podLines writes a line for each pod that ended.
func (p *Report) podLines(b *strings.Builder) {
	if p.Rollout == nil {
		return
	}
	state := ""
	if !p.Rollout.Complete {
		state = ", not complete"
	}
	fmt.Fprintf(b, "\n%s: %s%s\n", p.Rollout.Workload, p.Rollout.Action, state)
	var ended []RolloutPod
	for _, pod := range p.Rollout.Pods {
		if pod.T0 != nil {
			ended = append(ended, pod)
		}
	}
	for _, pod := range ended[:min(len(ended), mostPodLines)] {
		fmt.Fprintf(b, "  %s  t0 %s, removed from endpoints %s, stopped %s, lost %d%s\n", pod.Name,
			maybe(pod.T0), maybe(pod.Unrouted), maybe(pod.Stopped), pod.Lost, pod.delayText())
	}
	if more := len(ended) - mostPodLines; more > 0 {
		fmt.Fprintf(b, "  and %d more\n", more)
	}
}

// delayText returns the delay of the load balancer for the pod, if it is known.
func (p RolloutPod) delayText() string {
	if p.Delay == nil {
		return ""
	}
	if p.DelayBound == atLeast {
		return fmt.Sprintf(", load balancer's delay at least %s", seconds(*p.Delay))
	}
	return fmt.Sprintf(", load balancer's delay %s", seconds(*p.Delay))
}

// loadLine describes the load.
func (p *Report) loadLine() string {
	line := fmt.Sprintf("%s in %s at %s", counted(p.Requests, "request"), rounded(time.Duration(p.Seconds)),
		perSecond(p.Settings.Rate))
	if n := len(p.Addresses); n > 1 {
		line += fmt.Sprintf(", to %d addresses", n)
	}
	return line
}

// lostLine returns how many requests were lost, with the bounds of that figure.
func (p *Report) lostLine() string {
	switch {
	case p.Requests == 0:
		return "no request was sent"
	case p.Lost == 0:
		return fmt.Sprintf("lost 0 of %s: fewer than %s with 95 %% confidence", counted(p.Requests, "request"),
			percent(p.LostShareMax))
	}
	return fmt.Sprintf("LOST %s of %s: %s, at most %s with 95 %% confidence", count(p.Lost),
		counted(p.Requests, "request"), percent(p.LostShare), percent(p.LostShareMax))
}

// AllNotes returns what limits the result.
func (p *Report) AllNotes() []string {
	notes := slices.Clone(p.Notes)
	switch p.Ended {
	case "failures":
		notes = append(notes, "The load ended early, after too many failures (--max-failures).")
	case "requests":
		notes = append(notes, "The load ended when it had sent --max-requests.")
	case "interrupted":
		notes = append(notes, "The load was interrupted.")
	}
	if late := time.Duration(p.Lateness); late > 50*time.Millisecond {
		notes = append(notes, fmt.Sprintf("This machine sent 1 %% of the requests %v late or later: latencies "+
			"include that.", rounded(late)))
	}
	return notes
}

// String formats a latency.
func (m Millis) String() string { return rounded(time.Duration(m)) }

// rounded formats a time with two or three digits.
func rounded(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return strings.TrimSuffix(d.Round(time.Second).String(), "0s")
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

func perSecond(rate float64) string { return strconv.FormatFloat(rate, 'g', 4, 64) + "/s" }

// count formats a number with commas.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted formats a number with its noun.
func counted(n int, noun string) string { return count(n) + " " + plural.Noun(n, noun) }

// percent formats a share with two significant digits.
func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'g', 2, 64) + " %"
}
