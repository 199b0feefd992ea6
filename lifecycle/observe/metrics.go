package observe

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics describes the observer to Prometheus. It has ports, and no address of a client.
type metrics struct {
	observer                    *Observer
	connections, bypassed, open *prometheus.Desc
	probes, lost, paused        *prometheus.Desc
	dumps, failure              *prometheus.Desc
}

// Metrics returns the collector of the observer's metrics.
func (o *Observer) Metrics() prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("lameduck_"+name, help, labels, nil)
	}
	return &metrics{
		observer: o,
		connections: desc("observed_connections_total",
			"Connections of clients at ports that are observed and not relayed, except for those that "+
				"closed in a pause.", "port"),
		bypassed: desc("bypassed_connections_total",
			"Connections of clients that bypassed the relay.", "port"),
		open: desc("observed_open_connections",
			"Open connections at observed ports, at the last look.", "port"),
		probes: desc("observed_probes_total",
			"Connections at observed ports that count as the kubelet's probes."),
		lost: desc("observe_lost_total",
			"Times that the kernel reported closed connections faster than they were read. Each "+
				"counts as traffic and triggers a dump of all connections."),
		paused: desc("observe_paused_seconds_total",
			"Time without reports of closed connections, which limits what they cost. What closes at "+
				"observed ports is then not counted. In a drain there is none."),
		dumps: desc("observe_looks_total", "Dumps of all connections of the observed ports."),
		failure: desc("observe_failures_total",
			"Dumps of the observed ports that failed. A drain then holds for LAMEDUCK_LB_DELAY."),
	}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.connections, m.bypassed, m.open, m.probes, m.lost, m.paused, m.dumps, m.failure,
	} {
		c <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(c chan<- prometheus.Metric) {
	o := m.observer
	o.mu.Lock()
	defer o.mu.Unlock()
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	open := make(map[*port]int)
	for _, k := range o.flows.open {
		open[k.port]++
	}
	for _, p := range o.flows.ports {
		number := strconv.Itoa(int(p.Number))
		if p.Relay != 0 {
			count(m.bypassed, p.connections, number)
		} else {
			count(m.connections, p.connections, number)
		}
		c <- prometheus.MustNewConstMetric(m.open, prometheus.GaugeValue, float64(open[p]), number)
	}
	count(m.probes, o.flows.counts.probes)
	count(m.lost, o.flows.counts.lost)
	c <- prometheus.MustNewConstMetric(m.paused, prometheus.CounterValue, o.pauses.total(o.now()).Seconds())
	count(m.dumps, o.dumps)
	count(m.failure, o.failures)
}
