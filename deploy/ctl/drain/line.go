package drain

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// A Drain is a summary with its workload.
type Drain struct {
	Workload string // such as shop, or empty if it is unknown
	Summary
}

// stopped is the message of the last line of the log, which has the summary.
const stopped = "stopped"

// A logLine is the last line of a log in JSON, or a line of Loki (logcli -o jsonl) around it.
type logLine struct {
	Msg        string `json:"msg"`
	Reason     string `json:"reason"`
	Trigger    string `json:"trigger"`
	Hold       string `json:"hold"`
	Exchanges  *int   `json:"exchanges"`
	Last       string `json:"last_exchange_after"`
	Required   string `json:"required_silence"`
	Cut        int    `json:"cut_exchanges"`
	Unanswered int    `json:"unanswered_exchanges"`
	Observed   struct {
		LastEvent float64 `json:"last_event_seconds"`
	} `json:"observed"`

	Line   string            `json:"line"`
	Labels map[string]string `json:"labels"`
}

// longestLine exceeds any line of Lameduck's log, or of another log in the same input.
const longestLine = 1 << 20

// ReadLog reads the summaries among the lines of logs: as Lameduck writes them, with the prefix of
// `kubectl logs --prefix`, or as logcli writes them with -o jsonl. Termination messages are read too.
// Other lines are ignored.
func ReadLog(r io.Reader) ([]Drain, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	var found []Drain
	for n := 1; lines.Scan(); n++ {
		if d, ok := parseLine(lines.Text()); ok {
			found = append(found, d)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return found, fmt.Errorf("a line is longer than %d bytes: this is not a log", longestLine)
	}
	return found, lines.Err()
}

// prefix matches the prefix of `kubectl logs --prefix`: [pod/NAME/CONTAINER].
var prefix = regexp.MustCompile(`^\[pod/([^/\]]+)/[^\]]*\] `)

func parseLine(line string) (Drain, bool) {
	var d Drain
	if m := prefix.FindStringSubmatch(line); m != nil {
		d.Workload, line = WorkloadOfPod(m[1]), line[len(m[0]):]
	}
	if s, ok := ParseMessage(line); ok {
		d.Summary = s
		return d, true
	}
	var l logLine
	if json.Unmarshal([]byte(strings.TrimSpace(line)), &l) != nil {
		return d, false
	}
	if l.Line != "" && l.Labels != nil {
		inner, ok := parseLine(l.Line)
		inner.Workload = workloadOfLabels(l.Labels)
		return inner, ok
	}
	s, ok := l.summary()
	d.Summary = s
	return d, ok
}

// summary returns the summary of a line, and reports whether the line has one.
func (l logLine) summary() (Summary, bool) {
	hold, err := time.ParseDuration(l.Hold)
	if l.Msg != stopped || err != nil || l.Exchanges == nil {
		return Summary{}, false
	}
	s := Summary{
		Hold: hold, Reason: l.Reason, Trigger: l.Trigger, Exchanges: *l.Exchanges, Cut: l.Cut,
		Unanswered: l.Unanswered,
	}
	s.LastRequest, _ = time.ParseDuration(l.Last)
	s.LastRequest = max(s.LastRequest, time.Duration(l.Observed.LastEvent*float64(time.Second)))
	s.Required, _ = time.ParseDuration(l.Required)
	return s, true
}

// workloadOfLabels returns the workload of a stream of Loki.
func workloadOfLabels(labels map[string]string) string {
	for _, name := range []string{"app_kubernetes_io_name", "app", "workload"} {
		if labels[name] != "" {
			return labels[name]
		}
	}
	return WorkloadOfPod(labels["pod"])
}

var (
	ofReplicaSet = regexp.MustCompile(`^(.+)-[bcdf0-9][bcdfghjklmnpqrstvwxz2456789]{4,9}-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
	ofDaemonSet  = regexp.MustCompile(`^(.+)-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
	ofOrdinal    = regexp.MustCompile(`^(.+)-\d+$`)
)

// WorkloadOfPod returns the name of the workload that made a pod, by the pod's name: a Deployment,
// a DaemonSet or a StatefulSet.
func WorkloadOfPod(pod string) string {
	for _, pattern := range []*regexp.Regexp{ofReplicaSet, ofOrdinal, ofDaemonSet} {
		if m := pattern.FindStringSubmatch(pod); m != nil {
			return m[1]
		}
	}
	return pod
}
