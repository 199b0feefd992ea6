package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newAdmin returns the handler of probes and metrics.
func newAdmin(ready func() error, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

// ready returns an error if the API server should not send requests to this replica.
func (s *Server) ready() error {
	switch {
	case s.handler.draining.Load():
		return errors.New("draining")
	case s.injector.settings.Load() == nil:
		return errors.New("the version of the cluster is not known yet")
	case s.config.Mirror != nil && !s.mirrored.Load():
		return errors.New("the cluster has not been read yet")
	}
	if err := s.store.Check(time.Now()); err != nil {
		return err
	}
	return s.certificates.Ready()
}
