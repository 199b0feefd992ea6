package config

import (
	"slices"
	"time"
)

// A Variable documents an environment variable and how it is read.
type Variable struct {
	Name    string
	Default string // or empty
	Usage   string // for --help and the documentation

	set func(c *Config, value string) error
	// emptyCounts means that an empty value is a value. For other variables it stands for the
	// default.
	emptyCounts bool
}

// Variables returns the documentation of all variables, in the order in which they are documented.
func Variables() []Variable { return slices.Clone(table) }

// IsKnown reports whether there is a variable of this name.
func IsKnown(name string) bool { return position(name) >= 0 }

// position returns the place of a variable in the table, or -1.
func position(name string) int {
	return slices.IndexFunc(table, func(v Variable) bool { return v.Name == name })
}

// table has every variable, with its full name so that a search for the name finds it.
var table = []Variable{
	{
		Name:    "LAMEDUCK_ROUTES",
		Default: "18080=8080",
		Usage: "comma-separated routes, each " +
			"listen=app[;proto=auto|http1|h2c|tcp][;proxy][;passthrough][;tls] with addresses of the " +
			"form [host:]port. The listen host defaults to all interfaces, the app host to 127.0.0.1 or, if that " +
			"refuses connections, to the local address at which the app listens (Linux). " +
			"listen=takeover, with exec on Linux: the app is configured to listen on the same port, and " +
			"its bind is moved to another one. " +
			"proxy: clients send a PROXY protocol header, which is passed to the app. passthrough: do " +
			"not terminate TLS. tls: re-encrypt to the app",
		set: setRoutes,
	}, {
		Name: "LAMEDUCK_OBSERVE",
		Usage: "comma-separated ports of the app that are not relayed but observed in the kernel (Linux): a " +
			"drain waits for their traffic to end, but clients are not asked to disconnect. If it is set, " +
			"LAMEDUCK_ROUTES has no default",
		set: setObserve,
	}, {
		Name: "LAMEDUCK_OBSERVE_PROBES",
		Usage: "comma-separated kubelet probes of the app's ports, each port=period; one connection from the " +
			"node in each period then does not count as traffic",
		set: setObserveProbes,
	}, {
		Name: "LAMEDUCK_HOST_IP",
		Usage: "address of the node (status.hostIP of the downward API), for a pod in which the kubelet does " +
			"not probe Lameduck itself, as with exec; the probes of LAMEDUCK_OBSERVE_PROBES come from there " +
			"or from the pod's default gateway",
		set: setHostIP,
	}, {
		Name:    "LAMEDUCK_ADMIN",
		Default: ":18081",
		Usage:   "address of /livez, /readyz, /metrics and /hold, which must be reachable on the pod's IP",
		set:     address(func(c *Config) *string { return &c.Admin }, ""),
	}, {
		Name:    "LAMEDUCK_CONTROL",
		Default: "127.0.0.1:18082",
		Usage:   "loopback address of POST /drain and GET /status",
		set:     setControl,
	}, {
		Name:    "LAMEDUCK_HOLD_MIN",
		Default: "5s",
		Usage:   "minimum length of the hold; a pod without traffic or health checks is held this long",
		set:     duration(func(c *Config) *time.Duration { return &c.HoldMin }),
	}, {
		Name:    "LAMEDUCK_HOLD_QUIET",
		Default: "5s",
		Usage:   "silence that is required of every client address before the hold ends",
		set:     duration(func(c *Config) *time.Duration { return &c.HoldQuiet }),
	}, {
		Name:    "LAMEDUCK_HOLD_MAX",
		Default: "derived",
		Usage:   "maximum length of the hold; derived: grace period - app stop - 3s",
		set:     setHoldMax,
	}, {
		Name:    "LAMEDUCK_HOLD_RISK",
		Default: "0.01",
		Usage: "probability of one more request below which the hold ends, as estimated from the " +
			"silence of all client addresses; 1: only LAMEDUCK_HOLD_QUIET counts",
		set: setHoldRisk,
	}, {
		Name:    "LAMEDUCK_HOLD_ESCALATION",
		Default: "0.33",
		Usage: "fraction of the hold's maximum after which /readyz fails if new connections still arrive; " +
			"0: never",
		set: setHoldEscalation,
	}, {
		Name:    "LAMEDUCK_LB_DELAY",
		Default: "derived",
		Usage: "longest hold of a pod without traffic while load balancers continue to check its health; " +
			"derived: half of the hold's maximum; 0: such a pod is held for LAMEDUCK_HOLD_MIN. It is also the " +
			"length of the hold if the kernel does not report the traffic at observed ports; 0 then means derived",
		set: orDerived(func(c *Config) *time.Duration { return &c.LBDelay }),
	}, {
		Name:    "LAMEDUCK_GRACE_PERIOD",
		Default: "30s",
		Usage:   "the pod's terminationGracePeriodSeconds",
		set:     duration(func(c *Config) *time.Duration { return &c.GracePeriod }),
	}, {
		Name:    "LAMEDUCK_APP_STOP",
		Default: "5s",
		Usage:   "time that the app needs to exit after its stop signal",
		set:     duration(func(c *Config) *time.Duration { return &c.AppStop }),
	}, {
		Name:    "LAMEDUCK_TUNNEL_SPREAD",
		Default: "derived",
		Usage: "period over which WebSocket clients and event streams are asked to disconnect; " +
			"derived: a third of the hold's maximum",
		set: orDerived(func(c *Config) *time.Duration { return &c.TunnelSpread }),
	}, {
		Name:    "LAMEDUCK_END_EVENT_STREAMS",
		Default: "true",
		Usage: "whether the event streams of EventSource clients are ended, between two events, while " +
			"draining; false: they last until the app ends them or the hold reaches its maximum",
		set: boolean(func(c *Config) *bool { return &c.EndEventStreams }),
	}, {
		Name:    "LAMEDUCK_HOOK_WINDOW",
		Default: "5s",
		Usage: "time that /hold waits for a drain to begin before it assumes that only the app's " +
			"container restarts",
		set: duration(func(c *Config) *time.Duration { return &c.HookWindow }),
	}, {
		Name:    "LAMEDUCK_APP_WAIT",
		Default: "5s",
		Usage:   "time that a client waits for the app to accept its connection; after that it gets a 503",
		set:     duration(func(c *Config) *time.Duration { return &c.AppWait }),
	}, {
		Name:    "LAMEDUCK_KEEP_CLIENT",
		Default: "false",
		Usage: "whether the client's connection stays open when the app closes an idle one; the app is " +
			"dialed again for the next request. An idempotent request of at most 16 KiB that the app's close " +
			"left unanswered is sent again, once. Has no effect on routes with proxy or tls",
		set: boolean(func(c *Config) *bool { return &c.KeepClient }),
	}, {
		Name: "LAMEDUCK_TLS_CERT",
		Usage: "PEM file of the certificate chain with which Lameduck terminates TLS; empty: TLS is " +
			"relayed untouched",
		set: file(func(c *Config) *string { return &c.TLSCert }),
	}, {
		Name:  "LAMEDUCK_TLS_KEY",
		Usage: "PEM file of the certificate's private key",
		set:   file(func(c *Config) *string { return &c.TLSKey }),
	}, {
		Name: "LAMEDUCK_TLS_CLIENT_CA",
		Usage: "PEM file of CA certificates; if set, clients must present a certificate signed by one " +
			"of them",
		set: file(func(c *Config) *string { return &c.TLSClientCA }),
	}, {
		Name: "LAMEDUCK_FALLBACK",
		Usage: "host:port of the app's own Service, which gets new connections if the app exits " +
			"during the drain; comma-separated, one for each route; empty: they are refused",
		set: setFallback,
	}, {
		Name:    "LAMEDUCK_PROBE_AGENTS",
		Default: "known",
		Usage: "comma-separated prefixes of the User-Agent values of health probes; known: those of " +
			"known probers; an empty value means no agents",
		set:         list(func(c *Config) *[]string { return &c.ProbeAgents }),
		emptyCounts: true,
	}, {
		Name:  "LAMEDUCK_PROBE_PATHS",
		Usage: "comma-separated paths that only health probes request",
		set:   paths(func(c *Config) *[]string { return &c.ProbePaths }),
	}, {
		Name: "LAMEDUCK_LB_HEALTH_PATHS",
		Usage: "comma-separated paths of load balancers' health checks, which do not count as traffic; " +
			"they are answered 503 while draining, so that the load balancer stops routing sooner. " +
			"The kubelet's probes still reach the app",
		set: paths(func(c *Config) *[]string { return &c.HealthPaths }),
	}, {
		Name:    "LAMEDUCK_UNREADY_AFTER",
		Default: "0s",
		Usage:   "time after which /readyz fails in a drain; 0: it fails when the hold has ended",
		set:     duration(func(c *Config) *time.Duration { return &c.UnreadyAfter }),
	}, {
		Name:    "LAMEDUCK_HEADER_TIMEOUT",
		Default: "60s",
		Usage:   "time limit for the head of a request, from its first byte; 0: no limit",
		set:     duration(func(c *Config) *time.Duration { return &c.HeaderTimeout }),
	}, {
		Name:    "LAMEDUCK_MAX_HEADER_SIZE",
		Default: "64KiB",
		Usage: "maximum size of the head of a request or response, in bytes or with the unit KiB or MiB; " +
			"a larger one is refused with 431 or 502",
		set: size(func(c *Config) *int { return &c.MaxHeaderSize }, 1<<10, 8<<20),
	}, {
		Name:    "LAMEDUCK_MAX_CONNECTIONS",
		Default: "0",
		Usage: "maximum number of client connections; further ones wait to be accepted; 0: as many as the " +
			"limit of open files allows, which is never exceeded",
		set: count(func(c *Config) *int { return &c.MaxConnections }),
	}, {
		Name:    "LAMEDUCK_SLOW_CLIENT_MEMORY",
		Default: "derived",
		Usage: "memory limit for bytes that are held for slow clients: incomplete heads and TLS handshakes, " +
			"and responses that are not received; beyond it the slowest clients are disconnected, with " +
			"a 503 if they have not completed a head. derived: a quarter of the control group's memory " +
			"limit, with exec an eighth; 256MiB if there is no limit",
		set: sizeOrDerived(func(c *Config) *int { return &c.SlowClientMemory }, 1<<20, 2<<30-1<<20),
	}, {
		Name:    "LAMEDUCK_STOP_SIGNAL",
		Default: "SIGTERM",
		Usage: "exec: signal that begins the drain and that the app gets when the hold has ended; serve: " +
			"one more signal that begins the drain; written as in images: SIGQUIT, QUIT, 3 or SIGRTMIN+3",
		set: setStopSignal,
	}, {
		Name:    "LAMEDUCK_TERMINATION_LOG",
		Default: DefaultTerminationLog,
		Usage: "regular file for the summary of the drain; the default counts only if the file exists; " +
			"an empty value means no file",
		set:         file(func(c *Config) *string { return &c.TerminationLog }),
		emptyCounts: true,
	}, {
		Name:    "LAMEDUCK_LOG_LEVEL",
		Default: "info",
		Usage:   "debug, info, warn or error",
		set:     oneOf(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error"),
	}, {
		Name:    "LAMEDUCK_LOG_FORMAT",
		Default: "json",
		Usage:   "json, or console for people",
		set:     oneOf(func(c *Config) *string { return &c.LogFormat }, "json", "console"),
	},
}

// DefaultTerminationLog is the path of the kubelet's default terminationMessagePath.
const DefaultTerminationLog = "/dev/termination-log"
