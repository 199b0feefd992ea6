package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

func serveHTTP(l net.Listener, h *hand, calls http.Handler) error {
	var dead atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/", answer)
	mux.HandleFunc("GET /ws", echo)
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) {
		if dead.Load() {
			http.Error(w, "dead", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("POST /live", func(http.ResponseWriter, *http.Request) { dead.Store(true) })
	mux.HandleFunc("POST /kill", kill)
	mux.Handle("GET /calls", calls)
	s := &http.Server{Handler: named(mux), ConnState: h.note}
	return s.Serve(l)
}

// named adds the name of the pod to each response.
func named(next http.Handler) http.Handler {
	pod, _ := os.Hostname() // with the host's network it is that of the node
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Pod", pod)
		next.ServeHTTP(w, r)
	})
}

// answer reads the whole request before it answers, after the requested delay.
func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	if wait, err := time.ParseDuration(r.URL.Query().Get("wait")); err == nil {
		time.Sleep(wait)
	}
	if r.Method != http.MethodPost {
		body = []byte("hello\n")
	}
	w.Write(body)
}

// echo sends messages back until the client closes or the connection ends.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

// kill kills every visible process with a name.
func kill(w http.ResponseWriter, r *http.Request) {
	killed := 0
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, path := range names {
		name, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(name)) != r.URL.Query().Get("name") {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	if killed == 0 {
		http.Error(w, "there is no such process", http.StatusNotFound)
	}
}
