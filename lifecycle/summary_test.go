package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lameduck/lifecycle/silence"
)

func TestTheSummaryIsWrittenOnce(t *testing.T) {
	config := testConfig
	config.TerminationLog = filepath.Join(t.TempDir(), "termination-log")
	onStage(t, config, external, func(s *stage) {
		f := silence.Forecast{More: 0.004, Class: silence.Proxy, LastConnection: 1200 * time.Millisecond}
		f.Checks[silence.ELB] = 3 * time.Second
		s.relay.expects(f)
		s.events <- StopSignal
		time.Sleep(5 * time.Second)
		s.wantsEnd()
		lines := s.logs.FilterMessage("stopped").All()
		if len(lines) != 1 {
			t.Fatalf("the summary was logged %d times, want once", len(lines))
		}
		fields := lines[0].ContextMap()
		for field, want := range map[string]any{
			"reason": "quiet", "trigger": "stop signal", "hold": 5 * time.Second, "exchanges": uint64(7),
			"last_exchange_after": 1500 * time.Millisecond, "required_silence": 5 * time.Second,
			"cut_exchanges":        int64(0),
			"unanswered_exchanges": uint64(3), "evidence": "proxy", "more_probability": 0.004,
			"last_connection_after": 1200 * time.Millisecond, "readiness_failed_after": time.Duration(0),
		} {
			if fields[field] != want {
				t.Errorf("%s is %v, want %v", field, fields[field], want)
			}
		}
	})
	b, err := os.ReadFile(config.TerminationLog)
	want := "drained in 5s (quiet; triggered by stop signal): 7 exchanges after its start, the last one 1.5s after it; silence required: 5s; evidence: proxy, probability of one more request 0.004; last new connection after 1.2s; last health check of elb after 3s; cut: 0 exchanges on 0 connections; not answered by the app: 3; http1 connections ended: 1 by client, 3 by drain; tcp connections ended: 2 by cut\n"
	if err != nil || string(b) != want {
		t.Errorf("termination log\n%q, error %v; want\n%q", b, err, want)
	}
}

// At the end of the grace period, the kubelet kills an app that does not stop and its parent too.
func TestTheSummaryIsWrittenBeforeAChildThatDoesNotStopIsKilled(t *testing.T) {
	config := testConfig
	config.TerminationLog = filepath.Join(t.TempDir(), "termination-log")
	const note = "; the app still ran when the grace period was nearly over\n"
	written := func() string {
		b, _ := os.ReadFile(config.TerminationLog) // there may be none
		return string(b)
	}
	onStage(t, config, child, func(s *stage) {
		s.events <- StopSignal
		time.Sleep(69*time.Second - 1)
		s.wantsPhase(Drained)
		if got := written(); got != "" {
			t.Errorf("termination log %q before the grace period is nearly over", got)
		}
		time.Sleep(1)
		s.wantsPhase(Drained)
		if got := written(); !strings.HasPrefix(got, "drained in 5s (quiet; ") || !strings.HasSuffix(got, note) {
			t.Errorf("termination log %q, want the summary and a note", got)
		}
		if n := s.logs.FilterMessage("the app still runs, and the grace period is nearly over").Len(); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
	})
	if got := written(); !strings.HasPrefix(got, "drained in 5s (quiet; ") || strings.Contains(got, note) {
		t.Errorf("termination log %q in the end, want only the summary", got)
	}
}
