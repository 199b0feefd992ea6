package certs

import "github.com/prometheus/client_golang/prometheus"

// Metrics are about the certificate.
type Metrics struct {
	expiry   prometheus.Gauge
	failures prometheus.Counter
	synced   prometheus.Gauge
}

// NewMetrics registers the metrics. Without rotation nothing writes the caBundle, and there is no
// metric about it.
func NewMetrics(r prometheus.Registerer, rotation bool) *Metrics {
	m := &Metrics{
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lameduck_webhook_certificate_expiry_timestamp_seconds",
			Help: "Expiry time of the serving certificate, or 0 if there is none yet.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lameduck_webhook_certificate_failures_total",
			Help: "Failed attempts to read, renew or publish the certificate.",
		}),
		synced: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lameduck_webhook_ca_bundle_synced",
			Help: "1 if the webhook configuration has the right CA bundle, else 0.",
		}),
	}
	r.MustRegister(m.expiry, m.failures)
	if rotation {
		r.MustRegister(m.synced)
	}
	return m
}
