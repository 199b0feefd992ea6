package trial

import (
	"net/http"
	"time"

	"lameduck/bench/rollout"
)

const (
	// knativeQuiet is a constant of queue-proxy: it drains until there was no request for this
	// long.
	knativeQuiet = 30 * time.Second
	// knativeGrace is the termination grace period that Knative gives a pod: the timeout of its
	// revision, which is 300 s by default.
	knativeGrace = 300 * time.Second
)

// QueueProxy returns a strategy with Knative's queue-proxy in front of the app, in a pod like those
// of Knative's controller. SIGTERM starts the drain, and the app's hook waits for its end. The
// grace period is at least Knative's default, since half a minute of quiet does not fit into a
// shorter one.
//
// The rest of Knative is missing: activator, autoscaler, and an ingress that detects terminating
// pods with probes.
func QueueProxy() Strategy {
	return Strategy{
		Name:   "queue-proxy",
		Ending: func(lag time.Duration) time.Duration { return lag + knativeQuiet },
		missing: func(p Programs) string {
			return built(p.QueueProxy, "queue-proxy", "package bench/peers builds it")
		},
		pod: builder.withQueueProxy,
	}
}

func (b builder) withQueueProxy() (rollout.Spec, error) {
	a, err := b.addrs(5)
	if err != nil {
		return rollout.Spec{}, err
	}
	traffic, user, admin, metrics, tls := a[0], a[1], a[2], a[3], a[4]
	queue := rollout.Container{
		Name: "queue-proxy",
		Path: b.programs.QueueProxy,
		// The environment of a revision with default settings, without metrics and traces.
		Env: []string{
			"SERVING_NAMESPACE=default",
			"SERVING_SERVICE=app",
			"SERVING_CONFIGURATION=app",
			"SERVING_REVISION=app-00001",
			"SERVING_POD=" + b.name,
			"SERVING_POD_IP=127.0.0.1",
			"SYSTEM_NAMESPACE=knative-serving",
			"QUEUE_SERVING_PORT=" + portOf(traffic),
			"QUEUE_SERVING_TLS_PORT=" + portOf(tls),
			"QUEUE_ADMIN_PORT=" + portOf(admin),
			"QUEUE_METRICS_PORT=" + portOf(metrics),
			"USER_PORT=" + portOf(user),
			"CONTAINER_CONCURRENCY=0",
			"REVISION_TIMEOUT_SECONDS=300",
			"REVISION_RESPONSE_START_TIMEOUT_SECONDS=300",
			`SERVING_READINESS_PROBE={"tcpSocket":{"port":` + portOf(user) + `,"host":"127.0.0.1"},` +
				`"successThreshold":1}`,
			"SERVING_LOGGING_CONFIG=",
			"SERVING_LOGGING_LEVEL=info",
			"TRACING_CONFIG_BACKEND=none",
		},
		Ready:       "http://" + traffic + "/",
		ProbeHeader: http.Header{"K-Network-Probe": {"queue"}},
	}
	app, err := b.app(user, rollout.HTTPGet{URL: "http://" + admin + "/wait-for-drain"})
	// In Knative, queue-proxy probes the app's container.
	app.Ready = ""
	s := b.spec(traffic)
	s.Grace = max(b.grace, knativeGrace)
	s.Containers = []rollout.Container{app, queue}
	return s, err
}
