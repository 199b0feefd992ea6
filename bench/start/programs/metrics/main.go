// Command metrics has the collectors of client_golang and a handler for them.
package main

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lameduck/bench/start/hold"
)

func main() {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	handlers := map[string]http.Handler{"/metrics": promhttp.HandlerFor(r, promhttp.HandlerOpts{})}
	hold.Forever()
	runtime.KeepAlive(handlers)
}
