package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"lameduck/cmd/lameduck/config"
	"lameduck/cmd/lameduck/logqueue"
	"lameduck/lifecycle"
	"lameduck/lifecycle/accept"
	"lameduck/lifecycle/adminserver"
	"lameduck/lifecycle/observe"
	"lameduck/lifecycle/sockdiag"
	"lameduck/lifecycle/takeover"
	"lameduck/proxy"
)

// serve relays to an app that runs beside this process, until the drain is over.
func serve(environ []string, stderr *logqueue.Queue) error {
	memory := memoryLimits(false)
	memory.limitHeap(config.ToMap(environ))
	signals := notifyServe()
	defer signal.Stop(signals)
	p, err := newProcess(environ, stderr, memory)
	if err != nil {
		return err
	}
	stop, err := stopSignal(p.config)
	if err == nil {
		err = refuseTakeover(p.config)
	}
	if err != nil {
		p.closeListeners()
		return err
	}
	signal.Notify(signals, stop)
	return p.run(p.externalApp(), serveEvents(signals))
}

// A process is one lameduck with its listeners.
type process struct {
	config    *config.Config
	identity  *identity // nil if TLS is not terminated
	log       *logger
	server    *proxy.Server
	shares    descriptorShares
	memory    memoryShares
	failures  *accept.Failures   // of accepting, at any address
	sockets   *sockdiag.Conn     // of the network namespace
	observer  *observe.Observer  // nil if nothing is observed
	accepted  atomic.Uint64      // connections at the admin and control addresses
	listeners []net.Listener     // one per route; where the port is taken over it holds the address
	taken     []*takeover.Port   // one per route, nil where the port is not taken over
	takeover  *takeover.Takeover // nil if no port is taken over
	fronts    fronts             // of the ports that are taken over
	admin     net.Listener
	control   net.Listener
}

// newProcess reads the configuration and listens at every address, so that all errors are reported
// before anything runs.
func newProcess(environ []string, stderr *logqueue.Queue, memory memoryShares) (*process, error) {
	c, err := loadConfig(environ)
	if err != nil {
		return nil, err
	}
	if err := checkDescriptors(descriptorLimit()); err != nil {
		return nil, err
	}
	id, err := tlsIdentity(c)
	if err != nil {
		return nil, err
	}
	log, err := newLogger(c, stderr)
	if err != nil {
		return nil, err
	}
	p := &process{
		config: c, identity: id, log: log,
		memory:   memory,
		shares:   shareDescriptors(descriptorLimit(), len(c.Routes)),
		failures: accept.NewFailures(log.Logger),
		sockets:  sockdiag.Open(),
	}
	p.server = p.newServer()
	err = p.listen()
	if err == nil {
		err = p.refuseLoops()
	}
	if err != nil {
		p.closeListeners()
		return nil, err
	}
	p.observer = p.newObserver()
	return p, nil
}

func (p *process) newServer() *proxy.Server {
	c := p.config
	return proxy.New(proxy.Config{
		AppWait:          c.AppWait,
		HeaderTimeout:    c.HeaderTimeout,
		MaxHeaderSize:    c.MaxHeaderSize,
		MaxConnections:   p.shares.limitConnections(c.MaxConnections),
		MaxPipes:         p.shares.pipes,
		SlowPeerBytes:    p.memory.slowClients(c.SlowClientMemory),
		AcceptFailures:   p.failures,
		ProbeAgents:      probeAgents(c),
		ProbePaths:       c.ProbePaths,
		HealthPaths:      c.HealthPaths,
		TunnelSpread:     c.TunnelSpread,
		KeepEventStreams: !c.EndEventStreams,
		KeepClient:       c.KeepClient,
		Log:              p.log.Logger,
	})
}

// listen listens at every address. The error names every address that is unavailable.
func (p *process) listen() error {
	var errs []error
	overTCP := func(address string) (net.Listener, error) { return proxy.Listen("tcp", address) }
	take := func(name, address string, listen func(string) (net.Listener, error)) net.Listener {
		ln, err := listen(address)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		return ln
	}
	for _, r := range p.config.Routes {
		listen := overTCP
		if r.Takeover {
			listen = takeover.Hold
		}
		p.listeners = append(p.listeners, take("LAMEDUCK_ROUTES", r.Listen, listen))
	}
	p.admin = take("LAMEDUCK_ADMIN", p.config.Admin, overTCP)
	p.control = take("LAMEDUCK_CONTROL", p.config.Control, overTCP)
	return errors.Join(errs...)
}

func (p *process) closeListeners() {
	p.fronts.close()
	for _, ln := range append(p.listeners, p.admin, p.control) {
		if ln != nil {
			_ = ln.Close()
		}
	}
}

// externalApp returns an app that another supervisor stops. It has exited when no program listens
// at any of its addresses.
func (p *process) externalApp() lifecycle.App {
	var looks []lifecycle.Look
	for _, r := range p.config.Routes {
		looks = append(looks, proxy.NewPresence(r.App, p.sockets).Look)
		if r.AnyHost {
			looks = append(looks, p.localApp(r).Look)
		}
	}
	for _, port := range p.config.Observe {
		looks = append(looks, p.observedApp(port))
	}
	return lifecycle.NewExternalApp(func(ctx context.Context) (present bool, pause time.Duration) {
		for _, look := range looks {
			if present, pause = look(ctx); present {
				break
			}
		}
		return present, pause
	})
}

// run serves everything until the lifecycle has stopped. The admin address is the last to close: it
// answers the app's preStop hook.
func (p *process) run(app lifecycle.App, events <-chan lifecycle.Event) error {
	l := lifecycle.New(lifecycle.Config{
		FailsHealthChecks: len(p.config.HealthPaths) > 0,

		Hold:           holdConfig(p.config),
		Grace:          p.config.GracePeriod,
		HookWindow:     p.config.HookWindow,
		UnreadyAfter:   p.config.UnreadyAfter,
		MaxWaiters:     p.shares.waiters,
		TerminationLog: terminationLog(p.config),
		Observed:       p.observed(),
		Bypassed:       p.bypassed(),
		NotListening:   p.withoutListener,
		Log:            p.log.Logger,
	}, p.newRelay(), app)
	defer p.sockets.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()
	defer p.fronts.close()
	if p.identity != nil {
		serving.Go(func() { p.identity.watch(ctx, p.log.Logger) })
	}
	if p.observer != nil {
		serving.Go(func() { p.observer.Run(ctx) })
	}
	if p.takeover != nil {
		serving.Go(func() { p.takeover.WarnOfMissingListeners(ctx) })
	}
	admin := p.startHTTP(&serving, p.admin, p.noteKubelet(l.Admin(p.metrics(l))), p.shares.adminConns)
	control := p.startHTTP(&serving, p.control, l.Control(), p.shares.controlConns)
	p.startRoutes(&serving)
	p.warnOfLimit()
	p.log.Info("serving",
		zap.String("version", version),
		zap.Stringers("routes", p.config.Routes),
		zap.Duration("hold_min", p.config.HoldMin),
		zap.Duration("hold_quiet", p.config.HoldQuiet),
		zap.Duration("hold_max", p.config.HoldMax))
	l.Run(ctx, events)
	shutdown(control)
	shutdown(admin)
	return nil
}

// startRoutes serves every route.
func (p *process) startRoutes(serving *sync.WaitGroup) {
	start := func(route int, ln net.Listener) { serving.Go(func() { p.serveRoute(route, ln) }) }
	for i, ln := range p.listeners {
		if !p.config.Routes[i].Takeover {
			start(i, ln)
		}
	}
	p.fronts.start(start)
}

func (p *process) serveRoute(i int, ln net.Listener) {
	r := p.config.Routes[i]
	err := p.server.Serve(ln, proxyRoute(r, p.appDialer(i), p.identity))
	if !errors.Is(err, proxy.ErrServerClosed) {
		p.log.Error("listener failed", zap.String("listen", r.Listen), zap.Error(err))
	}
}

// startHTTP serves the admin or the control address.
func (p *process) startHTTP(
	serving *sync.WaitGroup, ln net.Listener, h http.Handler, maxConns int,
) *adminserver.Server {
	s := adminserver.New(adminserver.Config{
		Handler:  h,
		MaxConns: maxConns,
		Failures: p.failures,
		Accepted: &p.accepted,
		ErrorLog: zap.NewStdLog(p.log.Logger),
	})
	serving.Go(func() { _ = s.Serve(ln) })
	return s
}

// shutdown closes a server after its last responses, or after a second.
func shutdown(s *adminserver.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.Shutdown(ctx)
}

// warnOfLimit warns if there are fewer descriptors than the configured connections need.
func (p *process) warnOfLimit() {
	if wanted := p.config.MaxConnections; wanted > p.shares.connections {
		p.log.Warn("LAMEDUCK_MAX_CONNECTIONS exceeds what the limit of open files allows",
			zap.Int("configured", wanted),
			zap.Int("connections", p.shares.connections),
			zap.Uint64("open_files", descriptorLimit()))
	}
}

// metrics returns the handler of /metrics.
func (p *process) metrics(l *lifecycle.Lifecycle) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.server.Metrics(), l.Metrics(), p.log.metrics(), p.acceptFailures(), p.certificateExpiry(),
		p.portsWithoutListener(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if p.observer != nil {
		registry.MustRegister(p.observer.Metrics())
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// acceptFailures returns the collector of lameduck_accept_failures_total.
func (p *process) acceptFailures() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "lameduck_accept_failures_total",
		Help: "Failed attempts to accept a connection, at any address, for example because file " +
			"descriptors ran out.",
	}, func() float64 { return float64(p.failures.Total()) })
}

// certificateExpiry returns the collector of lameduck_tls_certificate_expiry_timestamp_seconds.
func (p *process) certificateExpiry() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lameduck_tls_certificate_expiry_timestamp_seconds",
		Help: "Expiry of the current certificate as Unix time. 0 if TLS is not terminated.",
	}, func() float64 {
		if p.identity == nil {
			return 0
		}
		return float64(p.identity.notAfter().Unix())
	})
}
