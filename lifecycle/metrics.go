package lifecycle

import "github.com/prometheus/client_golang/prometheus"

// metrics describes the lifecycle to Prometheus.
type metrics struct {
	lifecycle    *Lifecycle
	phase, ended *prometheus.Desc // with a label
	values       []metric
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
			"Whether the process is in the phase: 1 for the current one, 0 for the others.", "phase"),
		ended: desc("drain_ended", "Whether the hold has ended for the reason: 1 or 0.", "reason"),
	}
	gauge := func(name string, value func(Summary) float64, help string) {
		m.values = append(m.values, metric{desc(name, help), prometheus.GaugeValue, value})
	}
	counter := func(name string, value func(Summary) float64, help string) {
		m.values = append(m.values, metric{desc(name, help), prometheus.CounterValue, value})
	}
	gauge("hook_waiters", func(Summary) float64 { return float64(l.hooks.Waiting()) },
		"Callers of /hold that wait.")
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
	counter("drain_cut_connections_total", func(s Summary) float64 { return float64(s.CutConnections) },
		"Connections that were cut with exchanges in flight because time was up.")
	counter("drain_cut_exchanges_total", func(s Summary) float64 { return float64(s.CutExchanges) },
		"Exchanges that were cut because time was up.")
	counter("drain_unanswered_exchanges_total", func(s Summary) float64 { return float64(s.Unanswered) },
		"Exchanges in the drain whose connection the app ended without an answer.")
	return m
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(c chan<- *prometheus.Desc) {
	c <- m.phase
	c <- m.ended
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
