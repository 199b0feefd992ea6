package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lameduck/bench/rollout"
)

// theBuilder builds pod7 from programs in /bin, in a directory of its own.
func theBuilder(t *testing.T, a App) builder {
	p := Programs{App: "/bin/app", Lameduck: "/bin/lameduck", Traefik: "/bin/traefik", QueueProxy: "/bin/queue-proxy"}
	return builder{application: a, programs: p, grace: 30 * time.Second, logs: t.TempDir(), name: "pod7"}
}

// describe formats a pod, with A for the port that the load balancer uses, B and so on for the
// others in the order in which they are met, and DIR for the pod's directory.
func describe(t *testing.T, s Strategy, a App) string {
	b := theBuilder(t, a)
	pod, err := s.pod(b)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s at %s, grace %v\n", pod.Name, pod.Addr, pod.Grace)
	for _, c := range pod.Sidecars {
		fmt.Fprint(&text, "sidecar ", container(c))
	}
	for _, c := range pod.Containers {
		fmt.Fprint(&text, "container ", container(c))
	}
	return withoutChance(text.String(), b.logs)
}

func container(c rollout.Container) string {
	lines := []string{fmt.Sprintf("%s: %s %s", c.Name, c.Path, strings.Join(c.Args, " "))}
	lines = append(lines, c.Env...)
	if c.PreStop != nil {
		lines = append(lines, "preStop "+hook(c.PreStop))
	}
	if c.StopSignal != 0 {
		lines = append(lines, fmt.Sprintf("stop %v", c.StopSignal))
	}
	if c.Startup != "" {
		lines = append(lines, "startup "+c.Startup)
	}
	if c.Ready != "" {
		lines = append(lines, "ready "+c.Ready)
	}
	for k, v := range c.ProbeHeader {
		lines = append(lines, fmt.Sprintf("probed with %s: %s", k, v[0]))
	}
	return strings.Join(lines, "\n  ") + "\n"
}

func hook(h rollout.Hook) string {
	switch h := h.(type) {
	case rollout.Sleep:
		return "sleep " + time.Duration(h).String()
	case rollout.HTTPGet:
		return "httpGet " + h.URL
	case rollout.Exec:
		return "exec " + h.Path + " " + strings.Join(h.Args, " ")
	}
	return fmt.Sprintf("%#v", h)
}

var aPort = regexp.MustCompile(`\b[123][0-9]{4}\b`) // as package port hands them out

func withoutChance(text, dir string) string {
	names := make(map[string]string)
	text = aPort.ReplaceAllStringFunc(text, func(port string) string {
		if names[port] == "" {
			names[port] = string(rune('A' + len(names)))
		}
		return names[port]
	})
	return strings.ReplaceAll(text, dir, "DIR")
}

func TestPods(t *testing.T) {
	hold := Hold{Min: time.Second, Quiet: 2 * time.Second}
	for _, tc := range []struct {
		strategy Strategy
		app      App
		name     string
		pod      string
	}{
		{Bare(), Abrupt(), "bare", `
pod7 at 127.0.0.1:A, grace 30s
container app: /bin/app -listen 127.0.0.1:A
  ready http://127.0.0.1:A/
`},
		{PreStopSleep(time.Second), Graceful(), "preStop sleep 1s", `
pod7 at 127.0.0.1:A, grace 30s
container app: /bin/app -listen 127.0.0.1:A -graceful
  preStop sleep 1s
  ready http://127.0.0.1:A/
`},
		{NativeSidecar(hold), Abrupt(), "lameduck", `
pod7 at 127.0.0.1:A, grace 30s
sidecar lameduck: /bin/lameduck serve
  LAMEDUCK_ROUTES=127.0.0.1:A=127.0.0.1:B
  LAMEDUCK_ADMIN=127.0.0.1:C
  LAMEDUCK_CONTROL=127.0.0.1:D
  LAMEDUCK_GRACE_PERIOD=30s
  LAMEDUCK_APP_STOP=5s
  LAMEDUCK_TERMINATION_LOG=DIR/pod7-termination.log
  LAMEDUCK_HOLD_MIN=1s
  LAMEDUCK_HOLD_QUIET=2s
  preStop exec /bin/lameduck drain
  startup http://127.0.0.1:C/readyz
  ready http://127.0.0.1:C/readyz
container app: /bin/app -listen 127.0.0.1:B
  preStop httpGet http://127.0.0.1:C/hold
  ready http://127.0.0.1:B/
`},
		{PlainContainer(Hold{Quiet: 5 * time.Second, Risk: AnyRisk}), SlowStart(time.Second), "lameduck plain fixed 5s", `
pod7 at 127.0.0.1:A, grace 30s
container lameduck: /bin/lameduck serve
  LAMEDUCK_ROUTES=127.0.0.1:A=127.0.0.1:B
  LAMEDUCK_ADMIN=127.0.0.1:C
  LAMEDUCK_CONTROL=127.0.0.1:D
  LAMEDUCK_GRACE_PERIOD=30s
  LAMEDUCK_APP_STOP=5s
  LAMEDUCK_TERMINATION_LOG=DIR/pod7-termination.log
  LAMEDUCK_HOLD_MIN=0s
  LAMEDUCK_HOLD_QUIET=5s
  LAMEDUCK_HOLD_RISK=1
  ready http://127.0.0.1:C/readyz
container app: /bin/app -listen 127.0.0.1:B -start-after 1s
  preStop httpGet http://127.0.0.1:C/hold
  ready http://127.0.0.1:B/
`},
		{Wrapper(Hold{Risk: 0.05}), ShortKeepAlive(time.Second), "lameduck wrapper", `
pod7 at 127.0.0.1:A, grace 30s
container lameduck: /bin/lameduck exec -- /bin/app -listen 127.0.0.1:B -idle-timeout 1s
  LAMEDUCK_ROUTES=127.0.0.1:A=127.0.0.1:B
  LAMEDUCK_ADMIN=127.0.0.1:C
  LAMEDUCK_CONTROL=127.0.0.1:D
  LAMEDUCK_GRACE_PERIOD=30s
  LAMEDUCK_APP_STOP=5s
  LAMEDUCK_TERMINATION_LOG=DIR/pod7-termination.log
  LAMEDUCK_HOLD_MIN=0s
  LAMEDUCK_HOLD_QUIET=0s
  LAMEDUCK_HOLD_RISK=0.05
  LAMEDUCK_KEEP_CLIENT=true
  startup http://127.0.0.1:A/
  ready http://127.0.0.1:C/readyz
`},
		{TraefikSidecar(3 * time.Second), Abrupt(), "traefik 3s", `
pod7 at 127.0.0.1:A, grace 30s
container traefik: /bin/traefik --configFile=DIR/pod7-traefik.yml
  startup http://127.0.0.1:A/
  ready http://127.0.0.1:B/ping
container app: /bin/app -listen 127.0.0.1:C
  preStop sleep 3s
  ready http://127.0.0.1:C/
`},
		{QueueProxy(), Abrupt(), "queue-proxy", `
pod7 at 127.0.0.1:A, grace 5m0s
container app: /bin/app -listen 127.0.0.1:B
  preStop httpGet http://127.0.0.1:C/wait-for-drain
container queue-proxy: /bin/queue-proxy 
  SERVING_NAMESPACE=default
  SERVING_SERVICE=app
  SERVING_CONFIGURATION=app
  SERVING_REVISION=app-00001
  SERVING_POD=pod7
  SERVING_POD_IP=127.0.0.1
  SYSTEM_NAMESPACE=knative-serving
  QUEUE_SERVING_PORT=A
  QUEUE_SERVING_TLS_PORT=D
  QUEUE_ADMIN_PORT=C
  QUEUE_METRICS_PORT=E
  USER_PORT=B
  CONTAINER_CONCURRENCY=0
  REVISION_TIMEOUT_SECONDS=300
  REVISION_RESPONSE_START_TIMEOUT_SECONDS=300
  SERVING_READINESS_PROBE={"tcpSocket":{"port":B,"host":"127.0.0.1"},"successThreshold":1}
  SERVING_LOGGING_CONFIG=
  SERVING_LOGGING_LEVEL=info
  TRACING_CONFIG_BACKEND=none
  ready http://127.0.0.1:A/
  probed with K-Network-Probe: queue
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.strategy.Name != tc.name {
				t.Errorf("it is called %q", tc.strategy.Name)
			}
			if got, want := describe(t, tc.strategy, tc.app), strings.TrimPrefix(tc.pod, "\n"); got != want {
				t.Errorf("the pod is\n%swant\n%s", got, want)
			}
		})
	}
}

// The pods of programs that the machine may not have.
func TestPodsOfDebiansPeers(t *testing.T) {
	for _, tc := range []struct {
		strategy  Strategy
		args, pod string
	}{
		{CaddySidecar(3 * time.Second), "run --adapter caddyfile --config DIR/pod7-Caddyfile", `
  HOME=DIR
  ready http://127.0.0.1:A/health-check
container app: /bin/app -listen 127.0.0.1:B
  preStop sleep 3s
  ready http://127.0.0.1:B/
`},
		{HAProxySidecar(3 * time.Second), "-db -f DIR/pod7-haproxy.cfg", `
  stop user defined signal 1
  ready http://127.0.0.1:A/ready
container app: /bin/app -listen 127.0.0.1:B
  preStop sleep 3s
  ready http://127.0.0.1:B/
`},
	} {
		t.Run(tc.strategy.Name, func(t *testing.T) {
			name, _, _ := strings.Cut(tc.strategy.Name, " ")
			got := describe(t, tc.strategy, Abrupt())
			if begin := "pod7 at 127.0.0.1:A, grace 30s\ncontainer " + name + ": "; !strings.HasPrefix(got, begin) {
				t.Errorf("the pod is\n%swant it to begin with\n%s", got, begin)
			}
			if !strings.HasSuffix(got, " "+tc.args+tc.pod) {
				t.Errorf("pod\n%swant it to end with\n%s%s", got, tc.args, tc.pod)
			}
		})
	}
}

func TestPeersAreConfiguredWithTheirDelay(t *testing.T) {
	const delay = 1500 * time.Millisecond
	for file, tc := range map[string]struct {
		strategy Strategy
		want     string
	}{
		"Caddyfile":   {CaddySidecar(delay), "\tshutdown_delay 1.5s\n"},
		"haproxy.cfg": {HAProxySidecar(delay), "\n    grace 1500ms\n"},
		"traefik.yml": {TraefikSidecar(delay), " requestAcceptGraceTimeout: 1.5s\n"},
	} {
		t.Run(file, func(t *testing.T) {
			b := theBuilder(t, Abrupt())
			if _, err := tc.strategy.pod(b); err != nil {
				t.Fatal(err)
			}
			config, err := os.ReadFile(filepath.Join(b.logs, "pod7-"+file))
			if err != nil || !strings.Contains(string(config), tc.want) {
				t.Errorf("error %v; the configuration lacks %q:\n%s", err, tc.want, config)
			}
		})
	}
}

func TestShortGraceLeavesTimeForTheHold(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{
		6 * time.Second:   time.Second,
		30 * time.Second:  5 * time.Second,
		300 * time.Second: 5 * time.Second,
	} {
		if got := appStop(grace); got != want {
			t.Errorf("in a grace period of %v the app gets %v, want %v", grace, got, want)
		}
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		strategy Strategy
		want     string
	}{
		{Bare(), ""},
		{PreStopSleep(time.Second), ""},
		{NativeSidecar(Hold{}), "lameduck (go build ./cmd/lameduck)"},
		{PlainContainer(Hold{}), "lameduck (go build ./cmd/lameduck)"},
		{Wrapper(Hold{}), "lameduck (go build ./cmd/lameduck)"},
		{TraefikSidecar(time.Second), "traefik (package bench/peers builds it)"},
		{QueueProxy(), "queue-proxy (package bench/peers builds it)"},
	} {
		if got := tc.strategy.Missing(Programs{}); got != tc.want {
			t.Errorf("%s lacks %q, want %q", tc.strategy.Name, got, tc.want)
		}
		if got := tc.strategy.Missing(Programs{Lameduck: "x", Traefik: "x", QueueProxy: "x"}); got != "" {
			t.Errorf("%s reports that %q is missing although it is there", tc.strategy.Name, got)
		}
	}
}

func TestProgramsOfDebianAreNamedWithTheirPackage(t *testing.T) {
	if path, missing := debian("no-such-program", "no-such-package"); path != "" || missing != "no-such-program (apt-get install no-such-package)" {
		t.Errorf("found %q, missing %q", path, missing)
	}
	if path, missing := debian("sh", "dash"); path == "" || missing != "" {
		t.Errorf("found %q, missing %q", path, missing)
	}
}

func TestExpectedTime(t *testing.T) {
	c := Config{Lags: []time.Duration{2 * time.Second}, Replicas: 3, MinReady: time.Second}
	hold := Hold{Min: time.Second, Quiet: 2 * time.Second}
	// 6 starts of 0.1 s, 1 s of calm, 3 s of rolling, 0.5 s of tail, and the end of the last pod or
	// the lag.
	const around = 5100 * time.Millisecond
	for _, tc := range []struct {
		strategy Strategy
		ending   time.Duration
	}{
		{Bare(), 2 * time.Second},
		{PreStopSleep(time.Second), 2 * time.Second},
		{PreStopSleep(7 * time.Second), 7 * time.Second},
		{NativeSidecar(hold), 4 * time.Second},
		{HAProxySidecar(5 * time.Second), 5 * time.Second},
		{QueueProxy(), 32 * time.Second},
	} {
		c.Strategy = tc.strategy
		if got := c.Expected(); got != around+tc.ending {
			t.Errorf("%s takes %v, want %v", tc.strategy.Name, got, around+tc.ending)
		}
	}
}
