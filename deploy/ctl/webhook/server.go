package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
)

// Bounds of time. An API server waits for two seconds, as the configuration says, and for thirty at the most.
const (
	headerTimeout   = 5 * time.Second // TLS, too, has this long
	readTimeout     = 10 * time.Second
	writeTimeout    = 10 * time.Second
	idleTimeout     = 2 * time.Minute // an API server closes idle connections after 90 s; whoever closes first loses no request
	maxHeader       = 16 << 10        // what an API server says of itself is 1 KB
	shutdownTimeout = 5 * time.Second // for requests that are being answered at the end of the hold
)

// Config says what a Server is to do.
type Config struct {
	Listen    string          // address of the API server's requests
	Metrics   string          // address of /livez /readyz /metrics
	Settings  inject.Settings // what is injected; Shape empty: what the cluster's version allows
	Namespace string          // our own, which is never injected
	Never     []string        // more namespaces that are never injected
	Hold      time.Duration   // after SIGTERM we go on serving for at least this long; 0: until it is quiet
	Version   string          // of the program, for pods that are injected

	Files         Files       // certificate; none: we make our own
	Service       string      // whose name our own certificate is for
	Cluster       Cluster     // where our own certificate is shared and made known
	ServerVersion VersionFunc // of the cluster; asked where Settings has no shape

	Log *zap.Logger
}

// A Server is one replica of the webhook.
type Server struct {
	config       Config
	log          *zap.Logger
	injector     *injector
	handler      *handler
	identity     *identity
	certificates certificates
	requests     net.Listener
	admin        net.Listener
	servers      [2]*http.Server // of requests, and of admin
}

// certificates bring the identity up to date.
type certificates interface {
	run(ctx context.Context)
	ready() error // why what is shown is not trusted yet
}

// New takes the addresses and reads the files, so that whatever is wrong is known before anything runs.
func New(c Config) (*Server, error) {
	s, err := assemble(c)
	if err != nil {
		return nil, err
	}
	requests, admin, err := listen(c.Listen, c.Metrics)
	if err != nil {
		return nil, err
	}
	s.on(requests, admin)
	return s, nil
}

// assemble makes a server that has no listeners yet.
func assemble(c Config) (*Server, error) {
	own := c.Files == Files{}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := newMetrics(registry, own)
	s := &Server{config: c, log: c.Log, injector: newInjector(c.Namespace, c.Never, c.Version, c.Log), identity: &identity{metrics: m}}
	s.handler = newHandler(s.injector, m, c.Log)
	if c.Settings.Shape != "" {
		s.injector.settings.Store(&c.Settings)
	}
	if own {
		s.certificates = &keeper{cluster: c.Cluster, namespace: c.Namespace, service: c.Service, identity: s.identity, metrics: m, log: c.Log}
	} else {
		files := &fileSource{files: c.Files, identity: s.identity, log: c.Log}
		if err := files.reload(); err != nil {
			return nil, fmt.Errorf("TLS certificate: %w", err)
		}
		s.certificates = files
	}
	mux := http.NewServeMux()
	mux.Handle("/mutate", s.handler)
	s.servers = [2]*http.Server{s.newServer(mux), s.newServer(newAdmin(s.ready, registry))}
	s.servers[0].TLSConfig = s.identity.config()
	return s, nil
}

// listen takes both addresses, or none.
func listen(requests, admin string) (net.Listener, net.Listener, error) {
	take := func(address string) (net.Listener, error) {
		return new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	}
	first, err := take(requests)
	if err != nil {
		return nil, nil, err
	}
	second, err := take(admin)
	if err != nil {
		_ = first.Close()
		return nil, nil, err
	}
	return first, second, nil
}

// on gives the server its listeners.
func (s *Server) on(requests, admin net.Listener) {
	s.requests = &limited{Listener: requests, max: maxConnections, refused: s.identity.metrics.refusedConnections}
	s.admin = admin
}

func (s *Server) newServer(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // and no HTTP/2: API servers do not use it for webhooks, so that each request can go to another replica
	return &http.Server{
		Handler: h, Protocols: protocols, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		// An API server that does not trust us says so in the handshake: it is here that this shows.
		ErrorLog: zap.NewStdLog(s.log.Named("http")),
	}
}

// Run serves until ctx is done, and then until the API server has let go.
func (s *Server) Run(ctx context.Context) error {
	s.log.Info("listening", zap.Stringer("requests", s.requests.Addr()), zap.Stringer("metrics", s.admin.Addr()))
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { s.certificates.run(work) })
	if s.config.Settings.Shape == "" {
		all.Go(func() { learnShape(work, s.config.ServerVersion, s.injector, s.config.Settings, s.log) })
	}
	failure := make(chan error, 2)
	all.Go(func() { failure <- s.servers[0].ServeTLS(s.requests, "", "") })
	all.Go(func() { failure <- s.servers[1].Serve(s.admin) })
	select {
	case err := <-failure:
		return errors.Join(fmt.Errorf("serve: %w", err), s.shutdown())
	case <-ctx.Done():
	}
	s.leave(work)
	return s.shutdown()
}

// leave lets the API server go elsewhere, and serves meanwhile.
func (s *Server) leave(ctx context.Context) {
	s.handler.leaving.Store(true)
	began := time.Now()
	s.handler.hold(ctx, s.config.Hold)
	s.log.Info("leaving", zap.Duration("held", time.Since(began)))
}

// shutdown ends both servers, that of requests first: the other one tells how it goes.
func (s *Server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var faults []error
	for _, server := range s.servers {
		if err := server.Shutdown(ctx); err != nil {
			faults = append(faults, fmt.Errorf("shut down: %w", err), server.Close())
		}
	}
	return errors.Join(faults...)
}
