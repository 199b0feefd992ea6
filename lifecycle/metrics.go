package lifecycle

import "github.com/prometheus/client_golang/prometheus"

// metrics describes the lifecycle to Prometheus.
type metrics struct {
	lifecycle *Lifecycle

	phase, hooks, droppedHooks, holdMax, duration, ended, exchanges, last, cutConnections, cutExchanges, unanswered *prometheus.Desc
}

// Metrics returns the collector of the lifecycle's metrics.
func (l *Lifecycle) Metrics() prometheus.Collector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("lameduck_"+name, help, labels, nil)
	}
	return &metrics{
		lifecycle:      l,
		phase:          d("phase", "Whether the process is in the phase: 1 for the current one, 0 for the others.", "phase"),
		hooks:          d("hook_waiters", "Callers of /hold that wait."),
		droppedHooks:   d("hook_waiters_dropped_total", "Callers of /hold whose connections were closed because too many waited."),
		holdMax:        d("hold_max_seconds", "Maximum length of the hold."),
		duration:       d("drain_duration_seconds", "Duration of the hold so far, or of the whole hold once it has ended."),
		ended:          d("drain_ended", "Whether the hold has ended for the reason: 1 or 0.", "reason"),
		exchanges:      d("drain_exchanges_total", "Exchanges that began after the drain's start."),
		last:           d("drain_last_exchange_seconds", "Time from the drain's start to the start of the last exchange: the load balancer's real delay."),
		cutConnections: d("drain_cut_connections_total", "Connections that were cut with exchanges in flight because time was up."),
		cutExchanges:   d("drain_cut_exchanges_total", "Exchanges that were cut because time was up."),
		unanswered:     d("drain_unanswered_exchanges_total", "Exchanges in the drain whose connection the app ended without an answer."),
	}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.phase, m.hooks, m.droppedHooks, m.holdMax, m.duration, m.ended, m.exchanges, m.last, m.cutConnections, m.cutExchanges, m.unanswered,
	} {
		c <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	s, now := m.lifecycle.Summary(), m.lifecycle.Phase()
	for _, p := range Phases() {
		gauge(m.phase, truth(p == now), p.String())
	}
	for _, r := range Reasons() {
		gauge(m.ended, truth(s.End == r), r.String())
	}
	gauge(m.hooks, float64(m.lifecycle.hooks.Waiting()))
	gauge(m.holdMax, m.lifecycle.config.Hold.Max.Seconds())
	gauge(m.duration, s.Duration.Seconds())
	gauge(m.last, s.LastExchange.Seconds())
	counter(m.droppedHooks, float64(m.lifecycle.hooks.Dropped()))
	counter(m.exchanges, float64(s.Exchanges))
	counter(m.cutConnections, float64(s.CutConnections))
	counter(m.cutExchanges, float64(s.CutExchanges))
	counter(m.unanswered, float64(s.Unanswered))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
