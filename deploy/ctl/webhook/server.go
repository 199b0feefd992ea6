package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/mode"
	"lameduck/deploy/ctl/webhook/certs"
)

// Timeouts and limits. An API server waits for two seconds by default of our configuration, and at
// most for thirty.
const (
	headerTimeout   = 5 * time.Second // also for the TLS handshake
	readTimeout     = 10 * time.Second
	writeTimeout    = 10 * time.Second
	idleTimeout     = 2 * time.Minute // an API server closes idle connections after 90 s; it must be the first to close
	maxHeader       = 16 << 10        // an API server sends 1 KB
	shutdownTimeout = 5 * time.Second // for requests that are in flight at the end of the drain
)

// Config configures a Server.
type Config struct {
	Listen    string          // address of POST /mutate
	Metrics   string          // address of /livez /readyz /metrics
	Settings  inject.Settings // an empty Shape is chosen by the version of the cluster
	Namespace string          // of the webhook; it is never injected
	Never     []string        // more namespaces that are never injected
	Paused    bool            // nothing is injected
	Mirror    Mirror          // for mode auto; if nil, it knows nothing of the pods' surroundings
	Images    inject.Images   // for wrapped apps without a command; if nil, they are observed
	Drain     time.Duration   // the shortest drain after SIGTERM; it lasts until there are no requests
	Version   string          // of the program, for an annotation of injected pods

	Files         certs.FilePaths // of the certificate; if empty, a certs.Rotator issues it
	Service       string          // whose name the Rotator issues a certificate for
	Cluster       certs.Cluster   // of the Rotator
	ServerVersion VersionFunc     // returns the version of the cluster; may be nil if Settings have a Shape

	Log *zap.Logger
}

// A Mirror knows what surrounds the pods of a namespace.
type Mirror interface {
	Run(ctx context.Context)
	// Settled reports whether all has been read that the mode of a pod depends on.
	Settled() bool
	Around(namespace string) *mode.Around
}

// A Server is one replica of the webhook.
type Server struct {
	config       Config
	log          *zap.Logger
	injector     *injector
	handler      *handler
	metrics      *metrics
	store        *certs.Store
	certificates certs.Source
	mirrored     atomic.Bool // the mirror has settled, or had the time to
	requests     net.Listener
	admin        net.Listener
	servers      [2]*http.Server // of requests and of probes and metrics
}

// New listens on both addresses and reads the files, so that it reports any error before anything
// runs.
func New(c Config) (*Server, error) {
	s, err := assemble(c)
	if err != nil {
		return nil, err
	}
	requests, admin, err := listen(c.Listen, c.Metrics)
	if err != nil {
		return nil, err
	}
	s.setListeners(requests, admin)
	return s, nil
}

// assemble returns a server without listeners.
func assemble(c Config) (*Server, error) {
	rotation := c.Files == certs.FilePaths{}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m := newMetrics(registry)
	s := &Server{
		config: c, log: c.Log, metrics: m,
		injector: newInjector(c.Namespace, c.Never, c.Version, c.Log),
		store:    certs.NewStore(certs.NewMetrics(registry, rotation)),
	}
	s.injector.paused, s.injector.images = c.Paused, c.Images
	if c.Mirror != nil {
		s.injector.around = c.Mirror.Around
	}
	s.handler = newHandler(s.injector, m, c.Log)
	if c.Settings.Shape != "" {
		s.injector.settings.Store(&c.Settings)
	}
	if rotation {
		s.certificates = certs.NewRotator(c.Cluster, c.Namespace, c.Service, s.store, c.Log)
	} else {
		files, err := certs.NewFiles(c.Files, s.store, c.Log)
		if err != nil {
			return nil, err
		}
		s.certificates = files
	}
	mux := http.NewServeMux()
	mux.Handle("/mutate", s.handler)
	s.servers = [2]*http.Server{s.newServer(mux), s.newServer(newAdmin(s.ready, registry))}
	s.servers[0].TLSConfig = s.store.TLSConfig()
	return s, nil
}

// listen listens on both addresses or on none.
func listen(requests, admin string) (net.Listener, net.Listener, error) {
	open := func(address string) (net.Listener, error) {
		return new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	}
	first, err := open(requests)
	if err != nil {
		return nil, nil, err
	}
	second, err := open(admin)
	if err != nil {
		_ = first.Close()
		return nil, nil, err
	}
	return first, second, nil
}

func (s *Server) setListeners(requests, admin net.Listener) {
	s.requests = &limited{Listener: requests, max: maxConnections, refused: s.metrics.refusedConnections}
	s.admin = admin
}

func (s *Server) newServer(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // API servers do not use HTTP/2 for webhooks, to spread requests over replicas
	return &http.Server{
		Handler: h, Protocols: protocols, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout,
		// Has the failed TLS handshakes of API servers that do not trust the certificate.
		ErrorLog: zap.NewStdLog(s.log.Named("http")),
	}
}

// Run serves until ctx is done, drains and returns.
func (s *Server) Run(ctx context.Context) error {
	s.log.Info("listening", zap.Stringer("requests", s.requests.Addr()),
		zap.Stringer("metrics", s.admin.Addr()))
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { s.certificates.Run(work) })
	if s.config.Mirror != nil {
		all.Go(func() { s.config.Mirror.Run(work) })
		all.Go(func() { s.awaitMirror(work) })
	}
	if s.config.ServerVersion != nil {
		all.Go(func() { chooseShape(work, s.config.ServerVersion, s.injector, s.config.Settings, s.log) })
	}
	failure := make(chan error, 2)
	all.Go(func() { failure <- s.servers[0].ServeTLS(s.requests, "", "") })
	all.Go(func() { failure <- s.servers[1].Serve(s.admin) })
	select {
	case err := <-failure:
		return errors.Join(fmt.Errorf("serve: %w", err), s.shutdown())
	case <-ctx.Done():
	}
	s.drain(work)
	return s.shutdown()
}

// Times of a replica that has just started and reads the cluster. A pod that it injects before that
// keeps the mode of an unknown cluster.
const (
	mirrorTimeout = 10 * time.Second // some resource may never be readable
	mirrorPoll    = 50 * time.Millisecond
)

// awaitMirror waits until the mirror has settled, but not for long, and makes the replica ready.
func (s *Server) awaitMirror(ctx context.Context) {
	defer s.mirrored.Store(true)
	ctx, cancel := context.WithTimeout(ctx, mirrorTimeout)
	defer cancel()
	tick := time.NewTicker(mirrorPoll)
	defer tick.Stop()
	for !s.config.Mirror.Settled() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// drain serves until the API server sends no more requests.
func (s *Server) drain(ctx context.Context) {
	s.handler.draining.Store(true)
	began := time.Now()
	s.handler.awaitQuiet(ctx, s.config.Drain)
	s.log.Info("drained", zap.Duration("duration", time.Since(began)))
}

// shutdown closes both servers, the one of requests first.
func (s *Server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var errs []error
	for _, server := range s.servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("shut down: %w", err), server.Close())
		}
	}
	return errors.Join(errs...)
}
