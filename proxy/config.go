package proxy

import (
	"context"
	"crypto/tls"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/accept"
	"lameduck/proxy/pump"
)

// A Config is what a [Server] needs. The zero value works and has no limits.
type Config struct {
	// AppWait is how long a new connection waits for an app that does not accept. Zero means a
	// single attempt.
	AppWait time.Duration
	// HeaderTimeout is how long the head of a request may take from its first byte to its last.
	// Zero means no limit.
	HeaderTimeout time.Duration
	// MaxHeaderSize is the size in bytes of the largest head that is relayed, of a request or a
	// response, start line and empty line included. Zero means 64 KiB.
	MaxHeaderSize int
	// MaxConnections bounds the client connections that are served at a time; more wait in the
	// listener's backlog. Zero means no limit.
	MaxConnections int
	// MaxPipes bounds the pipes through which bytes go from kernel to kernel, each with two
	// descriptors. Zero means no bound.
	MaxPipes int
	// SlowPeerBytes bounds the bytes that are held for slow clients: incomplete heads, TLS
	// handshakes, and responses that clients do not read. Beyond it the oldest of these are ended,
	// incomplete heads with a 503. Zero means no bound.
	SlowPeerBytes int64
	// AcceptFailures counts and logs failed accepts. If it is nil, the server uses its own.
	AcceptFailures *accept.Failures
	// ProbeAgents are the beginnings of the User-Agent values that mark a request as a health
	// probe.
	ProbeAgents []string
	// ProbePaths are the paths that mark a request as a health probe.
	ProbePaths []string
	// HealthPaths are the paths that are answered with 503 while draining.
	HealthPaths []string
	// TunnelSpread is the period over which WebSocket connections and event streams are asked to
	// disconnect, from the start of the drain or their own. Zero means at once.
	TunnelSpread time.Duration
	// KeepEventStreams ends no event stream early, not even that of an EventSource.
	KeepEventStreams bool
	// KeepClient keeps a client's connection when the app closes an idle one of HTTP/1: the app is
	// dialed again with the next request. If the app closes before the first byte of a response,
	// the request is sent again, once, if it is idempotent and at most 16 KiB long. It has no
	// effect on routes with Proxied or AppTLS.
	KeepClient bool
	// Log is for operators. If it is nil, nothing is logged.
	Log *zap.Logger
}

// DefaultProbeAgents are the known health checkers: kubelet, Google and AWS load balancers, Envoy,
// HAProxy, Azure, Prometheus.
var DefaultProbeAgents = []string{
	"kube-probe/", "GoogleHC/", "ELB-HealthChecker/", "Amazon-Route53-Health-Check-Service", "Envoy/HC",
	"HAProxy Health Check", "Load Balancer Agent", "Edge Health Probe", "Prometheus/", "vmagent",
}

// A Route is what a listener serves.
type Route struct {
	// Dial makes a connection to the app. It must be set.
	Dial Dialer
	// Fallback makes a connection to the server that gets new connections once the app has exited
	// in a drain, see [DialFallback]. If it is nil, they are refused.
	Fallback Dialer
	// TLS terminates the clients' TLS. The ALPN protocols that are offered depend on Protocol and
	// on the app. If it is nil, TLS is relayed untouched.
	TLS *tls.Config
	// AppTLS re-encrypts to the app if TLS is terminated: for the server name of the client, with
	// the protocol that the app chooses from those of the client. The app's certificate is not
	// verified.
	AppTLS bool
	// Protocol is the protocol of the route. The zero value detects it on each connection.
	Protocol Protocol
	// Proxied expects a header of the PROXY protocol at the start of each connection, mostly from a
	// load balancer. It is relayed to the app.
	Proxied bool
}

// A Conn is a connection that the relay can close in stages, see [pump.Conn].
type Conn = pump.Conn

// A Dialer makes a connection to the app.
type Dialer func(ctx context.Context) (Conn, error)
