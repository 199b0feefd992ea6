package lifecycle

import (
	"net/http"
)

// Admin returns the handler of the admin address: /livez, /readyz, /metrics and /hold. The network
// can reach it, so none of them changes anything.
func (l *Lifecycle) Admin(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeLine(w, "ok") })
	mux.HandleFunc("GET /readyz", l.serveReady)
	mux.HandleFunc("GET /hold", l.hooks.Wait)
	mux.Handle("GET /metrics", metrics)
	return mux
}

func (l *Lifecycle) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !l.Ready() {
		http.Error(w, l.Phase().String(), http.StatusServiceUnavailable)
		return
	}
	writeLine(w, l.Phase().String())
}

// Control returns the handler of the control address, which is on the loopback interface. POST
// /drain begins the drain, see [Lifecycle.RequestDrain] for ?native. With ?wait it answers at the
// end of the hold. GET /status returns the state as JSON.
func (l *Lifecycle) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /drain", l.serveDrain)
	mux.HandleFunc("GET /status", l.serveStatus)
	return localOnly(mux)
}

func (l *Lifecycle) serveDrain(w http.ResponseWriter, r *http.Request) {
	l.RequestDrain(r.URL.Query().Has("native"))
	if r.URL.Query().Has("wait") {
		l.drainWaiters.Wait(w, r)
		return
	}
	select {
	case <-l.draining:
		l.serveStatus(w, r)
	case <-r.Context().Done():
	}
}

func (l *Lifecycle) serveStatus(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(l.statusJSON())
}

func writeLine(w http.ResponseWriter, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(line + "\n"))
}
