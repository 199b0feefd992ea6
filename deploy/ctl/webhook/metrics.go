package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A result is the outcome of a request.
type result string

// The results.
const (
	injected  result = "injected"  // the answer has a patch
	unchanged result = "unchanged" // the answer has no patch
	refused   result = "refused"   // the pod cannot be protected; the warning has the reason
	failed    result = "error"     // the request cannot be handled: an unreadable pod, an unknown version, a bug
	overload  result = "overload"  // too many or too large requests
	invalid   result = "invalid"   // not an AdmissionReview; the answer is an HTTP error
)

// metrics are about requests. The certificate has metrics of its own.
type metrics struct {
	requests           *prometheus.CounterVec
	duration           prometheus.Histogram
	inFlight           prometheus.Gauge
	refusedConnections prometheus.Counter
	images             *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lameduck_webhook_requests_total", Help: "Requests by result.",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lameduck_webhook_duration_seconds",
			Help: "Time from the last byte of a request to its answer.",
			// From the time that a small pod takes to the timeout of the API server.
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2},
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lameduck_webhook_in_flight_requests",
			Help: "Requests that are being read or answered.",
		}),
		refusedConnections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lameduck_webhook_refused_connections_total",
			Help: "Connections closed at once because there were too many.",
		}),
	}
	m.images = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lameduck_webhook_image_questions_total",
		Help: "Questions to registries about the command of an image, by result.",
	}, []string{"result"})
	for _, result := range []string{answeredImage, unknownImage} {
		m.images.WithLabelValues(result)
	}
	r.MustRegister(m.images, m.requests, m.duration, m.inFlight, m.refusedConnections)
	for _, of := range []result{injected, unchanged, refused, failed, overload, invalid} {
		m.requests.WithLabelValues(string(of)) // so that it is 0 and not absent
	}
	return m
}

// The results of questions to registries.
const (
	answeredImage = "answered"
	unknownImage  = "unknown"
)

// countAnswer counts the answer of a registry.
func (m *metrics) countAnswer(l learned) {
	if l.err != nil {
		m.images.WithLabelValues(unknownImage).Inc()
		return
	}
	m.images.WithLabelValues(answeredImage).Inc()
}

// countResult counts a request.
func (m *metrics) countResult(r result) { m.requests.WithLabelValues(string(r)).Inc() }

// observe records the duration of a request after it has been read.
func (m *metrics) observe(d time.Duration) { m.duration.Observe(d.Seconds()) }
