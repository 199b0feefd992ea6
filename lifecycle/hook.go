package lifecycle

import (
	"net/http"
	"time"
)

// serveHold answers the app's preStop hook when the app may go (kubelet: lifecycle/handlers.go runHTTPHandler, which has no time limit of its
// own and ignores the status). With no drain it lets the hook go after the hook window. A second caller, such as a kubelet
// that was restarted, joins the first.
func (l *Lifecycle) serveHold(w http.ResponseWriter, r *http.Request) {
	select {
	case l.waiters <- struct{}{}:
		defer func() { <-l.waiters }()
	default:
		http.Error(w, "too many callers wait already", http.StatusServiceUnavailable)
		return
	}
	if !l.awaitDrain(w, r) {
		return
	}
	l.mu.Lock()
	l.hooks++
	l.mu.Unlock()
	select {
	case <-l.drained:
		writeLine(w, "drained")
	case <-r.Context().Done():
	}
}

// awaitDrain waits for the hook window for a drain to begin, and answers when none does.
func (l *Lifecycle) awaitDrain(w http.ResponseWriter, r *http.Request) bool {
	window := time.NewTimer(l.config.HookWindow)
	defer window.Stop()
	select {
	case <-l.draining:
		return true
	case <-window.C:
		writeLine(w, "serving")
	case <-r.Context().Done():
	}
	return false
}

func writeLine(w http.ResponseWriter, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(line + "\n"))
}
