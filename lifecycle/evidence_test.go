package lifecycle

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"lameduck/lifecycle/silence"
)

// escalating is testConfig with a hold that escalates after 20 of 60 s.
func escalating() Config {
	config := testConfig
	config.Hold.Escalate = 20 * time.Second
	return config
}

// newConnections simulates traffic over new connections, from the drain's start until a time after
// it.
func (s *stage) newConnections(until time.Duration) {
	start := time.Now()
	for range until / time.Second {
		s.relay.mu.Lock()
		s.relay.forecast.LastConnection = time.Since(start) + 1
		s.relay.silentAt = time.Now().Add(5 * time.Second)
		s.relay.mu.Unlock()
		time.Sleep(time.Second)
	}
}

func TestEscalation(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		until  time.Duration // time of the last new connection
		busy   int           // exchanges in flight
		want   time.Duration // time when readiness fails, or zero if it does not during the hold
	}{
		"traffic that continues":               {escalating(), 30 * time.Second, 0, 20 * time.Second},
		"traffic that ended a moment ago":      {escalating(), 17 * time.Second, 0, 20 * time.Second},
		"traffic that has begun to end":        {escalating(), 14 * time.Second, 1, 0},
		"an exchange in flight":                {escalating(), 0, 1, 0},
		"no traffic":                           {escalating(), 0, 0, 0},
		"traffic that continues, switched off": {testConfig, 40 * time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, test.config, external, func(s *stage) {
				s.relay.busy(test.busy)
				s.RequestDrain(false)
				synctest.Wait()
				go s.newConnections(test.until)
				time.Sleep(20*time.Second - time.Millisecond)
				if s.Phase() == Draining && !s.Ready() {
					t.Error("readiness failed too early")
				}
				time.Sleep(2 * time.Millisecond)
				if escalated := s.Phase() == Draining && !s.Ready(); escalated != (test.want > 0) {
					t.Errorf("readiness failed: %v, want %v", escalated, test.want > 0)
				}
				time.Sleep(25 * time.Second)
				if got := s.Summary().Escalated; got != test.want {
					t.Errorf("readiness failed after %v, want %v", got, test.want)
				}
				want := 0
				if test.want > 0 {
					want = 1
				}
				logged := s.logs.FilterMessage("readiness fails, because new connections still come")
				if logged.Len() != want {
					t.Errorf("logged %d times, want %d", logged.Len(), want)
				}
			})
		})
	}
}

func TestEscalation_IsFinal(t *testing.T) {
	onStage(t, escalating(), external, func(s *stage) {
		s.RequestDrain(false)
		synctest.Wait()
		s.relay.busy(1)
		s.newConnections(21 * time.Second)
		time.Sleep(15 * time.Second) // no more connections
		if s.Ready() {
			t.Error("the pod is ready again")
		}
	})
}

func TestAnIdlePodIsHeldWhileItsHealthIsChecked(t *testing.T) {
	hold := Hold{Min: 5 * time.Second, Quiet: 5 * time.Second, Max: time.Minute, Risk: 0.01, LBDelay: 30 * time.Second}
	for name, test := range map[string]struct {
		hold Hold
		stop time.Duration // when the checks count as stopped
		idle bool
		want time.Duration
	}{
		"until the checks have stopped":      {hold, 12 * time.Second, true, 12 * time.Second},
		"for Min if they stop sooner":        {hold, 3 * time.Second, true, 5 * time.Second},
		"for the load balancer's delay":      {hold, time.Hour, true, 30 * time.Second},
		"never to Max":                       {withLBDelay(hold, time.Hour), time.Hour, true, 55 * time.Second},
		"for Min without a delay":            {withLBDelay(hold, 0), time.Hour, true, 5 * time.Second},
		"a pod with traffic goes by its end": {hold, time.Hour, false, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			d := NewDecision(test.hold, start)
			now := start
			for {
				f := silence.Forecast{Idle: test.idle, ChecksIn: max(0, test.stop-now.Sub(start))}
				reason, wait := d.Look(now, f)
				if reason != NotEnded {
					break
				}
				now = now.Add(wait)
			}
			if got := now.Sub(start); got != test.want {
				t.Errorf("the hold lasted %v, want %v", got, test.want)
			}
		})
	}
}

func withLBDelay(h Hold, d time.Duration) Hold {
	h.LBDelay = d
	return h
}

func TestEnvoyThatStillChecksIsReportedOnce(t *testing.T) {
	const message = "Envoy still checks the pod's health"
	for name, test := range map[string]struct {
		kind  silence.Checker
		fails bool
		at    time.Duration
		want  int
	}{
		"Envoy":                    {silence.Envoy, false, 11 * time.Second, 1},
		"Envoy, for a moment":      {silence.Envoy, false, 9 * time.Second, 0},
		"Envoy, whose checks fail": {silence.Envoy, true, 11 * time.Second, 0},
		"another load balancer":    {silence.Google, false, 11 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig
			config.FailsHealthChecks = test.fails
			onStage(t, config, external, func(s *stage) {
				s.relay.busy(1)
				s.RequestDrain(false)
				time.Sleep(test.at)
				var f silence.Forecast
				f.Checks[test.kind] = test.at
				s.relay.expects(f)
				time.Sleep(20 * time.Second)
				n := 0
				for _, entry := range s.logs.All() {
					if strings.HasPrefix(entry.Message, message) {
						n++
						if !strings.Contains(entry.Message, "LAMEDUCK_LB_HEALTH_PATHS") {
							t.Errorf("%q does not name the remedy", entry.Message)
						}
					}
				}
				if n != test.want {
					t.Errorf("logged %d times, want %d", n, test.want)
				}
			})
		})
	}
}

func TestAtDebugLevelTheHoldIsReportedOnceASecond(t *testing.T) {
	for _, level := range []struct {
		zap  zap.AtomicLevel
		want int
	}{{zap.NewAtomicLevelAt(zap.DebugLevel), 10}, {zap.NewAtomicLevelAt(zap.InfoLevel), 0}} {
		synctest.Test(t, func(t *testing.T) {
			core, logs := observer.New(level.zap)
			config := testConfig
			config.Log = zap.New(core)
			relay := &fakeRelay{inFlight: 1}
			l := New(config, relay, &fakeApp{exited: make(chan struct{})})
			events := make(chan Event, 2)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				l.Run(t.Context(), events)
			}()
			l.RequestDrain(false)
			time.Sleep(10*time.Second - time.Millisecond)
			if n := logs.FilterMessage("the hold goes on").Len(); n != level.want {
				t.Errorf("at level %v the hold was logged %d times in 10s, want %d", level.zap, n, level.want)
			}
			events <- Interrupt
			events <- Interrupt
			<-ended
		})
	}
}

func TestMetrics_Evidence(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		f := silence.Forecast{More: 0.25, Class: silence.Unknown, LastConnection: 2 * time.Second}
		f.Checks[silence.Google] = 3 * time.Second
		s.relay.expects(f)
		s.relay.silentAt = time.Now().Add(10 * time.Second)
		s.relay.required = 10 * time.Second
		s.RequestDrain(false)
		time.Sleep(6 * time.Second)
		registry := prometheus.NewRegistry()
		registry.MustRegister(s.Metrics())
		want := `
# HELP lameduck_drain_escalated 1 if readiness fails because new connections still arrived late in the hold.
# TYPE lameduck_drain_escalated gauge
lameduck_drain_escalated 0
# HELP lameduck_drain_evidence 1 for the class of clients from which one more request is most likely, 0 for the others; idle stands for a pod without traffic.
# TYPE lameduck_drain_evidence gauge
lameduck_drain_evidence{class="direct"} 0
lameduck_drain_evidence{class="idle"} 0
lameduck_drain_evidence{class="observed"} 0
lameduck_drain_evidence{class="proxy"} 0
lameduck_drain_evidence{class="unknown"} 1
# HELP lameduck_drain_last_connection_seconds Time from the drain's start to the opening of the last new connection with a request.
# TYPE lameduck_drain_last_connection_seconds gauge
lameduck_drain_last_connection_seconds 2
# HELP lameduck_drain_last_health_check_seconds Time from the drain's start to the last health check of this kind of load balancer, 0 if there was none.
# TYPE lameduck_drain_last_health_check_seconds gauge
lameduck_drain_last_health_check_seconds{kind="azure"} 0
lameduck_drain_last_health_check_seconds{kind="elb"} 0
lameduck_drain_last_health_check_seconds{kind="envoy"} 0
lameduck_drain_last_health_check_seconds{kind="google"} 3
lameduck_drain_last_health_check_seconds{kind="haproxy"} 0
lameduck_drain_last_health_check_seconds{kind="nginx"} 0
lameduck_drain_last_health_check_seconds{kind="other"} 0
# HELP lameduck_drain_more_probability Probability of one more request, as estimated from the silence of the clients.
# TYPE lameduck_drain_more_probability gauge
lameduck_drain_more_probability 0.25
# HELP lameduck_drain_required_silence_seconds Silence that is required after the last exchange before the hold ends.
# TYPE lameduck_drain_required_silence_seconds gauge
lameduck_drain_required_silence_seconds 10
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "lameduck_drain_escalated",
			"lameduck_drain_evidence", "lameduck_drain_last_connection_seconds",
			"lameduck_drain_last_health_check_seconds", "lameduck_drain_more_probability",
			"lameduck_drain_required_silence_seconds"); err != nil {
			t.Error(err)
		}
	})
}

func TestStatus_Evidence(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		f := silence.Forecast{More: 0.25, Class: silence.Unknown, LastConnection: 2 * time.Second}
		f.Checks[silence.Google] = 3 * time.Second
		s.relay.expects(f)
		s.RequestDrain(false)
		time.Sleep(time.Second)
		status := string(s.statusJSON())
		for _, want := range []string{
			`"more_probability":0.25`, `"class":"unknown"`, `"evidence":"unknown"`,
			`"last_connection_seconds":2`, `"last_health_check_seconds":{"google":3}`,
			`"readiness_failed_seconds":0`,
		} {
			if !strings.Contains(status, want) {
				t.Errorf("status %s, want %s in it", status, want)
			}
		}
	})
}
