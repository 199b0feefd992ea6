package proxy

import "github.com/prometheus/client_golang/prometheus"

// metrics describes the server to Prometheus. The hot path counts with plain atomics.
type metrics struct {
	server *Server
	all    []*prometheus.Desc

	connections, queue, ended          *prometheus.Desc
	inFlight, exchanges, probes, bytes *prometheus.Desc
	dialFailures, handshakeFailures    *prometheus.Desc
	redials, resent, fellBack          *prometheus.Desc
	sources, slowBytes, slowEnded      *prometheus.Desc
}

// Metrics returns the collector of the server's metrics.
func (s *Server) Metrics() prometheus.Collector {
	m := &metrics{server: s}
	d := func(name, help string, labels ...string) *prometheus.Desc {
		desc := prometheus.NewDesc("lameduck_"+name, help, labels, nil)
		m.all = append(m.all, desc)
		return desc
	}
	m.connections = d("connections", "Open client connections.")
	m.queue = d("accept_queue",
		"Client connections that wait to be accepted, because the connection limit is reached or "+
			"file descriptors have run out.")
	m.ended = d("connections_total",
		"Client connections that have ended, by protocol and by what ended them.", "protocol", "ended_by")
	m.inFlight = d("exchanges_in_flight",
		"Requests that have been relayed and not answered yet, or whose body is still being "+
			"relayed, without health probes.")
	m.exchanges = d("exchanges_total",
		"Completed exchanges, by class of status code, without health probes. none: there was no "+
			"final response, or the protocol is HTTP/2.", "code")
	m.probes = d("probes_total", "Health probes that were relayed.")
	m.dialFailures = d("app_dial_failures_total", "Failed attempts to connect to the app.")
	m.handshakeFailures = d("tls_handshake_failures_total",
		"Failed TLS handshakes with clients.")
	m.redials = d("app_redials_total",
		"New connections to an app that had closed an idle one while the client was kept.")
	m.resent = d("resent_requests_total",
		"Requests sent again because the app had closed its connection before it answered.")
	m.fellBack = d("fallback_connections_total",
		"Connections sent to the fallback because the app had exited.")
	m.bytes = d("relayed_bytes_total",
		"Relayed bytes, by direction: requests to the app, responses to the client.", "direction")
	m.sources = d("sources", "Client addresses tracked.")
	m.slowBytes = d("slow_client_bytes",
		"Bytes that are held for slow clients: incomplete heads and TLS handshakes, and "+
			"responses that are not received.")
	m.slowEnded = d("slow_clients_disconnected_total",
		"Clients that were disconnected because too many bytes were held for slow clients.")
	return m
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range m.all {
		c <- d
	}
}

// classNames are the values of the label code.
var classNames = [classes]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := m.server
	for _, p := range counted {
		for e := endedByClient; e < endings; e++ {
			counter(m.ended, s.stats.ended[p][e].Load(), p.String(), e.String())
		}
	}
	for i, name := range classNames {
		counter(m.exchanges, s.stats.exchanges[i].Load(), name)
	}
	gauge(m.connections, s.connections())
	gauge(m.queue, s.acceptQueue())
	gauge(m.slowBytes, int(s.budget.Held()))
	counter(m.slowEnded, s.budget.Ended())
	gauge(m.inFlight, int(s.stats.inFlight.Load()))
	gauge(m.sources, s.sources.Len())
	counter(m.probes, s.stats.probes.Load())
	counter(m.dialFailures, s.stats.dialFailures.Load())
	counter(m.handshakeFailures, s.stats.handshakeFailures.Load())
	counter(m.redials, s.stats.redials.Load())
	counter(m.resent, s.stats.resent.Load())
	counter(m.fellBack, s.stats.fellBack.Load())
	counter(m.bytes, s.stats.requestBytes.Load(), "request")
	counter(m.bytes, s.stats.responseBytes.Load(), "response")
}

func (s *Server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
