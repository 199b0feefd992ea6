package lifecycle

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetrics(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		problems, err := testutil.CollectAndLint(s.Metrics())
		if err != nil || len(problems) > 0 {
			t.Errorf("problems of the metrics: %v, error %v", problems, err)
		}
		s.RequestDrain(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		registry := prometheus.NewRegistry()
		registry.MustRegister(s.Metrics())
		want := `
# HELP lameduck_drain_ended 1 for the reason why the hold ended, 0 for the others.
# TYPE lameduck_drain_ended gauge
lameduck_drain_ended{reason="app_gone"} 0
lameduck_drain_ended{reason="interrupted"} 0
lameduck_drain_ended{reason="max"} 0
lameduck_drain_ended{reason="quiet"} 1
lameduck_drain_ended{reason="stop_signal"} 0
# HELP lameduck_drain_duration_seconds Duration of the hold so far, or of the whole hold once it has ended.
# TYPE lameduck_drain_duration_seconds gauge
lameduck_drain_duration_seconds 5
# HELP lameduck_drain_last_exchange_seconds Time from the drain's start to the start of the last exchange: the load balancer's real delay.
# TYPE lameduck_drain_last_exchange_seconds gauge
lameduck_drain_last_exchange_seconds 1.5
# HELP lameduck_drain_unanswered_exchanges_total Exchanges in the drain whose connection the app closed before it had answered them.
# TYPE lameduck_drain_unanswered_exchanges_total counter
lameduck_drain_unanswered_exchanges_total 3
# HELP lameduck_hold_max_seconds Maximum length of the hold.
# TYPE lameduck_hold_max_seconds gauge
lameduck_hold_max_seconds 60
# HELP lameduck_phase 1 for the current phase, 0 for the others.
# TYPE lameduck_phase gauge
lameduck_phase{phase="drained"} 1
lameduck_phase{phase="draining"} 0
lameduck_phase{phase="serving"} 0
lameduck_phase{phase="stopped"} 0
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "lameduck_drain_ended",
			"lameduck_drain_duration_seconds", "lameduck_drain_last_exchange_seconds", "lameduck_drain_unanswered_exchanges_total",
			"lameduck_hold_max_seconds", "lameduck_phase"); err != nil {
			t.Error(err)
		}
	})
}
