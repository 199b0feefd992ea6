// Command metrics has the collectors of client_golang and a handler for them.
package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lameduck/bench/start/hold"
)

// Handler is a variable so that the handler is not collected.
var Handler http.Handler

func main() {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	Handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	hold.Forever()
}
