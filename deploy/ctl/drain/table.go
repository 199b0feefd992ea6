package drain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Row sums up the drains of one workload. Times are in seconds.
type Row struct {
	Workload string         `json:"workload"`
	Drains   int            `json:"drains"`
	Requests int            `json:"requests_after_t0"`
	Median   float64        `json:"last_request_p50_seconds"`
	P99      float64        `json:"last_request_p99_seconds"`
	Max      float64        `json:"last_request_max_seconds"`
	Ended    map[string]int `json:"ended"` // drains by the reason for which the hold ended
	Cut      int            `json:"cut"`
	// Delay and Grace are recommended: the load balancer's delay, and the termination grace period.
	Delay int `json:"recommended_lb_delay_seconds"`
	Grace int `json:"recommended_grace_period_seconds"`
}

// The other parts of a recommended grace period, as in lameduckctl inject: the silence after the
// delay, the app's stop and Lameduck's own end. The sum is rounded up to half a minute.
const (
	besidesDelay = 30 + 5 + 3
	graceStep    = 30
)

// Table returns a row for each workload, in the order of their names.
func Table(drains []Drain) []Row {
	byWorkload := map[string][]Drain{}
	for _, d := range drains {
		byWorkload[d.Workload] = append(byWorkload[d.Workload], d)
	}
	rows := []Row{}
	for _, name := range slices.Sorted(maps.Keys(byWorkload)) {
		rows = append(rows, newRow(name, byWorkload[name]))
	}
	return rows
}

func newRow(name string, drains []Drain) Row {
	r := Row{Workload: cmp.Or(name, "(unknown)"), Drains: len(drains), Ended: map[string]int{}}
	var last []float64
	for _, d := range drains {
		r.Requests += d.Exchanges
		r.Cut += d.Cut
		r.Ended[d.Reason]++
		last = append(last, d.LastRequest.Seconds())
	}
	slices.Sort(last)
	r.Median, r.P99, r.Max = nearestRank(last, 0.5), nearestRank(last, 0.99), last[len(last)-1]
	r.Delay = int(math.Ceil(r.Max)) + 1
	r.Grace = (r.Delay + besidesDelay + graceStep - 1) / graceStep * graceStep
	return r
}

// nearestRank returns the q-quantile: the smallest value that at least the share q of the values
// does not exceed.
func nearestRank(sorted []float64, q float64) float64 {
	return sorted[max(int(math.Ceil(q*float64(len(sorted)))), 1)-1]
}

// Formats are the formats of Write.
var Formats = []string{"text", "json", "html"}

// Write writes rows in a format.
func Write(w io.Writer, rows []Row, format string) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(rows)
	case "html":
		return page.Execute(w, rows)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WORKLOAD\tDRAINS\tREQUESTS AFTER T0\tLAST P50\tP99\tMAX\tENDED\tCUT\tLB DELAY\tGRACE PERIOD")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t%ds\t%ds\n", r.Workload, r.Drains, r.Requests,
			inSeconds(r.Median), inSeconds(r.P99), inSeconds(r.Max), r.Reasons(), r.Cut, r.Delay, r.Grace)
	}
	return table.Flush()
}

// Reasons returns the reasons for which holds ended, such as "11 quiet, 1 max".
func (r Row) Reasons() string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(r.Ended)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Ended[reason], reason))
	}
	return strings.Join(parts, ", ")
}

func inSeconds(v float64) string {
	return time.Duration(v * float64(time.Second)).Round(100 * time.Millisecond).String()
}

var page = template.Must(template.New("drains").Funcs(template.FuncMap{"s": inSeconds}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Drains</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:32px}
div{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:5px 12px;border-bottom:1px solid #8886;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}</style></head><body><h1>Drains</h1><div><table>
<thead><tr><th>workload</th><th>drains</th><th>requests after t0</th><th>last request, median</th><th>p99</th>
<th>max</th><th>ended</th><th>cut</th><th>load balancer's delay</th><th>grace period</th></tr></thead><tbody>
{{range .}}<tr><td>{{.Workload}}</td><td>{{.Drains}}</td><td>{{.Requests}}</td><td>{{s .Median}}</td><td>{{s .P99}}</td>
<td>{{s .Max}}</td><td>{{.Reasons}}</td><td>{{.Cut}}</td><td>{{.Delay}} s</td><td>{{.Grace}} s</td></tr>
{{end}}</tbody></table></div></body></html>
`))
