package lifecycle

import (
	"github.com/prometheus/client_golang/prometheus"

	"lameduck/lifecycle/silence"
)

// metrics describes the lifecycle to Prometheus.
type metrics struct {
	lifecycle *Lifecycle
	values    []metric

	// With a label.
	phase, ended, evidence, checks *prometheus.Desc
}

// A metric is one without labels.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(Summary) float64
}

// Metrics returns the collector of the lifecycle's metrics.
func (l *Lifecycle) Metrics() prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("lameduck_"+name, help, labels, nil)
	}
	m := &metrics{
		lifecycle: l,
		phase: desc("phase",
			"1 for the current phase, 0 for the others.", "phase"),
		ended: desc("drain_ended", "1 for the reason why the hold ended, 0 for the others.", "reason"),
	}
	m.evidence = desc("drain_evidence", "1 for the class of clients from which one more request is most "+
		"likely, 0 for the others; idle stands for a pod without traffic.", "class")
	m.checks = desc("drain_last_health_check_seconds",
		"Time from the drain's start to the last health check of this kind of load balancer, "+
			"0 if there was none.", "kind")
	gauge := func(name string, value func(Summary) float64, help string) {
		m.values = append(m.values, metric{desc(name, help), prometheus.GaugeValue, value})
	}
	counter := func(name string, value func(Summary) float64, help string) {
		m.values = append(m.values, metric{desc(name, help), prometheus.CounterValue, value})
	}
	gauge("hook_waiters", func(Summary) float64 { return float64(l.hooks.Waiting()) },
		"Callers waiting at /hold.")
	counter("hook_waiters_dropped_total", func(Summary) float64 { return float64(l.hooks.Dropped()) },
		"Callers of /hold whose connections were closed because too many waited.")
	gauge("hold_max_seconds", func(Summary) float64 { return l.config.Hold.Max.Seconds() },
		"Maximum length of the hold.")
	gauge("drain_duration_seconds", func(s Summary) float64 { return s.Duration.Seconds() },
		"Duration of the hold so far, or of the whole hold once it has ended.")
	counter("drain_exchanges_total", func(s Summary) float64 { return float64(s.Exchanges) },
		"Exchanges that began after the drain's start.")
	gauge("drain_last_exchange_seconds", func(s Summary) float64 { return s.LastExchange.Seconds() },
		"Time from the drain's start to the start of the last exchange: the load balancer's real delay.")
	gauge("drain_last_connection_seconds",
		func(s Summary) float64 { return s.LastConnection.Seconds() },
		"Time from the drain's start to the opening of the last new connection with a request.")
	gauge("drain_required_silence_seconds", func(s Summary) float64 { return s.Required.Seconds() },
		"Silence that is required after the last exchange before the hold ends.")
	gauge("drain_more_probability", func(s Summary) float64 { return s.More },
		"Probability of one more request, as estimated from the silence of the clients.")
	gauge("drain_escalated", func(s Summary) float64 { return truth(s.Escalated > 0) },
		"1 if readiness fails because new connections still arrived late in the hold.")
	counter("drain_cut_connections_total",
		func(s Summary) float64 { return float64(s.CutConnections) },
		"Connections that were cut with exchanges in flight, at the hold's maximum or at exit.")
	counter("drain_cut_exchanges_total", func(s Summary) float64 { return float64(s.CutExchanges) },
		"Exchanges that were cut, at the hold's maximum or at exit.")
	counter("drain_unanswered_exchanges_total",
		func(s Summary) float64 { return float64(s.Unanswered) },
		"Exchanges in the drain whose connection the app closed before it had answered them.")
	observedMetrics(gauge)
	return m
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(c chan<- *prometheus.Desc) {
	c <- m.phase
	c <- m.ended
	c <- m.evidence
	c <- m.checks
	for _, v := range m.values {
		c <- v.desc
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(c chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	summary, phase := m.lifecycle.Summary(), m.lifecycle.Phase()
	for _, p := range Phases() {
		send(m.phase, prometheus.GaugeValue, truth(p == phase), p.String())
	}
	for _, r := range Reasons() {
		send(m.ended, prometheus.GaugeValue, truth(summary.End == r), r.String())
	}
	for _, class := range evidenceClasses() {
		send(m.evidence, prometheus.GaugeValue, truth(summary.Class == class), class)
	}
	for kind := range silence.Checkers {
		at := summary.LastChecks[kind.String()]
		send(m.checks, prometheus.GaugeValue, at.Seconds(), kind.String())
	}
	for _, v := range m.values {
		send(v.desc, v.kind, v.value(summary))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
