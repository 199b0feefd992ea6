package drain

import (
	"strings"
	"testing"
	"time"

	"lameduck/lifecycle"
)

// The summaries are copied from the program's output, so a change of its text fails here.
func TestMessagesOfTheProgramAreParsed(t *testing.T) {
	s := lifecycle.Summary{
		Trigger: "drain request", End: lifecycle.EndedQuiet, Duration: 12300 * time.Millisecond, CutExchanges: 2,
		Evidence:   lifecycle.Evidence{Class: "proxy", Required: 5200 * time.Millisecond, LastConnection: time.Second},
		DrainStats: lifecycle.DrainStats{Exchanges: 1204, LastExchange: 7100 * time.Millisecond, Unanswered: 3},
	}
	want := Summary{
		Hold: 12300 * time.Millisecond, Reason: "quiet", Trigger: "drain request", Exchanges: 1204,
		LastRequest: 7100 * time.Millisecond, Required: 5200 * time.Millisecond, Cut: 2, Unanswered: 3,
	}
	if got, ok := ParseMessage(s.String() + "\n"); !ok || got != want {
		t.Errorf("%s\nis parsed as %+v, want %+v", s, got, want)
	}
	s.Exchanges, s.LastExchange = 0, 0
	want.Exchanges, want.LastRequest = 0, 0
	if got, ok := ParseMessage(s.String()); !ok || got != want {
		t.Errorf("%s\nis parsed as %+v, want %+v", s, got, want)
	}
	s.LastChecks = map[string]time.Duration{"elb": time.Second}
	if got, ok := ParseMessage(s.String()); !ok || got != want {
		t.Errorf("%s\nis parsed as %+v, want %+v", s, got, want)
	}
	s.Observed = &lifecycle.Observed{Connections: 7, LastEvent: 2500 * time.Millisecond, Kept: 1, Peers: 1}
	want.LastRequest = 2500 * time.Millisecond
	if got, ok := ParseMessage(s.String()); !ok || got != want {
		t.Errorf("%s\nis parsed as %+v, want %+v", s, got, want)
	}
}

// Old pods have written the plural of one thing, too.
func TestCountsOfOneAreParsed(t *testing.T) {
	s := lifecycle.Summary{
		Trigger: "stop signal", End: lifecycle.EndedMax, Duration: time.Second, CutExchanges: 1, CutConnections: 1,
		DrainStats: lifecycle.DrainStats{Exchanges: 1, LastExchange: 100 * time.Millisecond},
		Observed:   &lifecycle.Observed{Connections: 1, LastEvent: 500 * time.Millisecond},
	}
	const (
		now    = "1 exchange after its start, the last one 100ms after it; observed: 1 connection, the last event 500ms"
		before = "1 exchanges after its start, the last one 100ms after it; observed: 1 connections, the last event 500ms"
	)
	text := s.String()
	if !strings.Contains(text, now) || !strings.Contains(text, "cut: 1 exchange on 1 connection;") {
		t.Errorf("%s\ncounts one thing in the plural", text)
	}
	old := strings.NewReplacer(now, before, "cut: 1 exchange on 1 connection;", "cut: 1 exchanges on 1 connections;").Replace(text)
	want := Summary{
		Hold: time.Second, Reason: "max", Trigger: "stop signal", Exchanges: 1, LastRequest: 500 * time.Millisecond, Cut: 1,
	}
	for _, text := range []string{text, old} {
		if got, ok := ParseMessage(text); !ok || got != want {
			t.Errorf("%s\nis parsed as %+v, want %+v", text, got, want)
		}
	}
}

func TestOtherMessagesAreNotSummaries(t *testing.T) {
	for _, text := range []string{"", "panic: x", "drained in", "drained in soon (quiet; triggered by x): no exchange after its start",
		"it drained in 5s (quiet; triggered by x): no exchange after its start"} {
		if s, ok := ParseMessage(text); ok {
			t.Errorf("%q is parsed as %+v", text, s)
		}
	}
}
