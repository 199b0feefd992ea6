package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A result is what has become of a request.
type result string

// The results.
const (
	injected  result = "injected"  // the answer has a patch
	unchanged result = "unchanged" // nothing is to be done
	refused   result = "refused"   // the pod cannot be protected as it stands, which the warning says
	failed    result = "error"     // the request cannot be handled: a pod that cannot be read, another version, a fault of ours
	overload  result = "overload"  // there is too much to do
	invalid   result = "invalid"   // no AdmissionReview, and no answer but an HTTP error
)

// metrics are what Prometheus collects.
type metrics struct {
	requests           *prometheus.CounterVec
	duration           prometheus.Histogram
	inFlight           prometheus.Gauge
	refusedConnections prometheus.Counter
	expiry             prometheus.Gauge
	failures           prometheus.Counter
	synced             prometheus.Gauge // registered only where we write the CA bundle
}

func newMetrics(r prometheus.Registerer, bundle bool) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lameduck_webhook_requests_total", Help: "Requests, by what has become of them.",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lameduck_webhook_duration_seconds", Help: "Time from the whole request to the whole answer.",
			// From what a small pod takes to the two seconds for which the API server waits.
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2},
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lameduck_webhook_in_flight_requests", Help: "Requests that are being read or answered.",
		}),
		refusedConnections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lameduck_webhook_refused_connections_total", Help: "Connections that were closed at once, since there are too many.",
		}),
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lameduck_webhook_certificate_expiry_timestamp_seconds", Help: "When the certificate that is shown expires; 0: there is none.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lameduck_webhook_certificate_failures_total", Help: "Attempts to read, renew or publish a certificate that have failed.",
		}),
		synced: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lameduck_webhook_ca_bundle_synced", Help: "1: the webhook configuration has the authorities that it should have.",
		}),
	}
	r.MustRegister(m.requests, m.duration, m.inFlight, m.refusedConnections, m.expiry, m.failures)
	if bundle {
		r.MustRegister(m.synced)
	}
	for _, of := range []result{injected, unchanged, refused, failed, overload, invalid} {
		m.requests.WithLabelValues(string(of)) // 0 is another thing than not there
	}
	return m
}

// answered counts a request.
func (m *metrics) answered(r result) { m.requests.WithLabelValues(string(r)).Inc() }

// took notes how long one has taken that was read whole.
func (m *metrics) took(d time.Duration) { m.duration.Observe(d.Seconds()) }
