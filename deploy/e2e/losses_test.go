package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// An ending is an app's report of its exit: the signal, the time at which it closed its listener,
// and the number of requests in flight then, which die with it.
type ending struct {
	signal string
	at     time.Time
	inHand int
}

// lastWord matches the app's termination log. With gRPC, and if the app serves for a while after
// its signal, it lacks the number of requests.
var lastWord = regexp.MustCompile(`^([a-z][a-z ]*) at (\S+)(?: with (\d+) in hand)?$`)

// parseEnding parses the termination log of the app.
func parseEnding(line string) (e ending, is bool) {
	m := lastWord.FindStringSubmatch(line)
	if m == nil {
		return e, false
	}
	at, err := time.Parse(time.RFC3339Nano, m[2])
	n, _ := strconv.Atoi(m[3])
	return ending{m[1], at, n}, err == nil
}

// A loss is a request that was lost.
type loss struct {
	kind          string
	began, failed time.Time
	err           error
}

// newcomers returns the losses that are not excused by the exit of an app. A request in flight
// began before the exit of its app and failed after it, and there are no more of them than the app
// reports. Any other loss should have been prevented.
func newcomers(losses []loss, ends []ending) []loss {
	ends = slices.Clone(ends)
	return slices.DeleteFunc(slices.Clone(losses), func(l loss) bool {
		i := slices.IndexFunc(ends, func(e ending) bool { return e.inHand > 0 && l.began.Before(e.at) && e.at.Before(l.failed) })
		if i >= 0 {
			ends[i].inHand--
		}
		return i >= 0
	})
}

func TestALossIsExcusedOnlyByTheAppThatHadIt(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	ends := []ending{{"terminated", at(1000), 2}, {"terminated", at(2000), 0},
		{"terminated", at(3000), 1}}
	for name, tc := range map[string]struct {
		losses []loss
		want   int
	}{
		"none":                         {nil, 0},
		"what an app had when it died": {[]loss{{began: at(990), failed: at(1010)}}, 0},
		"as many as it had": {
			[]loss{{began: at(990), failed: at(1010)}, {began: at(980), failed: at(1001)}}, 0,
		},
		"one more than it had": {
			[]loss{{began: at(990), failed: at(1010)}, {began: at(980), failed: at(1001)},
				{began: at(985), failed: at(1001)}}, 1,
		},
		"what was begun after its end":          {[]loss{{began: at(1001), failed: at(1010)}}, 1},
		"what had failed before its end":        {[]loss{{began: at(980), failed: at(999)}}, 1},
		"at the end of an app that had nothing": {[]loss{{began: at(1990), failed: at(2010)}}, 1},
		"each app has its own": {
			[]loss{{began: at(990), failed: at(1010)}, {began: at(2990), failed: at(3010)}}, 0,
		},
		"one that lasts over the ends of two":       {[]loss{{began: at(990), failed: at(3010)}}, 0},
		"long after the end of an app that had two": {[]loss{{began: at(1500), failed: at(1510)}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newcomers(tc.losses, ends); len(got) != tc.want {
				t.Errorf("%d are not excused, want %d: %v", len(got), tc.want, got)
			}
		})
	}
	if ends[0].inHand != 2 {
		t.Error("the reports of the apps were modified")
	}
}

func TestTheAppsLastWordIsRead(t *testing.T) {
	when := time.Date(2026, 11, 25, 18, 0, 0, 5000, time.UTC)
	for line, want := range map[string]ending{
		"terminated at 2026-11-25T18:00:00.000005Z with 2 in hand": {"terminated", when, 2},
		"quit at 2026-11-25T18:00:00.000005Z":                      {"quit", when, 0},
		"terminated at noon":                                       {},
		"listening":                                                {},
		`{"msg":"drained at 2026-11-25T18:00:00Z"}`:                {},
	} {
		got, is := parseEnding(line)
		if is != (want != ending{}) || is && got != want {
			t.Errorf("%q is read as %v, %v; want %v", line, got, is, want)
		}
	}
}
