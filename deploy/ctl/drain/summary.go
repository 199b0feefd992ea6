package drain

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Summary is what Lameduck reported about one drain.
type Summary struct {
	Hold      time.Duration // how long the app was kept alive
	Reason    string        // why the hold ended, such as quiet or max
	Trigger   string        // what began the drain
	Exchanges int           // after t0
	// LastRequest is the time from t0 to the last request: the last exchange or, if nothing is
	// relayed, the last event on an observed connection. It is zero if there was none.
	LastRequest time.Duration
	Required    time.Duration // silence that was required
	Cut         int           // exchanges that were cut
	Unanswered  int           // exchanges that the app did not answer
}

var (
	head = regexp.MustCompile(`^drained in (\S+) \((.+?); triggered by (.*?)\): ` +
		`(?:no exchange|nothing but health checks|(\d+) exchanges?) after its start(?:, the last one ([^\s;]+) after it)?`)
	required   = regexp.MustCompile(`; silence required: (\S+?)(?:;|,|$)`)
	cut        = regexp.MustCompile(`; cut: (\d+) exchanges?\b`)
	observed   = regexp.MustCompile(`; observed: (\d+) connections?, the last event ([^\s;]+) after it`)
	unanswered = regexp.MustCompile(`; not answered by the app: (\d+)`)
)

// ParseMessage parses a termination message. It reports whether the message is a summary.
func ParseMessage(message string) (Summary, bool) {
	line := strings.TrimSpace(message)
	m := head.FindStringSubmatch(line)
	if m == nil {
		return Summary{}, false
	}
	hold, err := time.ParseDuration(m[1])
	if err != nil {
		return Summary{}, false
	}
	s := Summary{Hold: hold, Reason: m[2], Trigger: m[3]}
	s.Exchanges, _ = strconv.Atoi(m[4])
	s.LastRequest, _ = time.ParseDuration(m[5])
	if o := observed.FindStringSubmatch(line); o != nil {
		last, _ := time.ParseDuration(o[2])
		s.LastRequest = max(s.LastRequest, last)
	}
	s.Required, _ = time.ParseDuration(first(required, line))
	s.Cut, _ = strconv.Atoi(first(cut, line))
	s.Unanswered, _ = strconv.Atoi(first(unanswered, line))
	return s, true
}

// first returns the first group of the first match, or an empty string.
func first(pattern *regexp.Regexp, line string) string {
	if m := pattern.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}
