package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newAdmin serves what the kubelet and Prometheus ask for.
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

// ready says why the API server should not be sent here, if so.
func (s *Server) ready() error {
	switch {
	case s.handler.leaving.Load():
		return errors.New("leaving")
	case s.injector.settings.Load() == nil:
		return errors.New("the cluster's version is not known yet")
	}
	if err := s.identity.check(time.Now()); err != nil {
		return err
	}
	return s.certificates.ready()
}
