package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestIdleClientsKeepTheirConnections(t *testing.T) {
	var requests atomic.Int64
	addresses := make(chan string, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= 40 {
			addresses <- r.RemoteAddr
		}
		w.Write([]byte(smallText()))
	}))
	defer server.Close()

	clients, err := openIdle(t.Context(), server.Listener.Addr().String(), http1, 40)
	defer clients.close()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.each(t.Context(), func(i int) error { return clients[i].exchange() }); err != nil {
		t.Fatal(err)
	}
	distinct := map[string]bool{}
	for range 40 {
		distinct[<-addresses] = true
	}
	if len(distinct) != 40 || requests.Load() != 80 {
		t.Errorf("%d connections made %d requests, want 40 and 80", len(distinct), requests.Load())
	}
}

func TestIdleWebSocketsKeepTheirConnections(t *testing.T) {
	clients, err := openIdle(t.Context(), startedApp(t, webSocket).paths.Listen, webSocket, 20)
	defer clients.close()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.live(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestIdleWebSocketsMustBeOnes(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	clients, err := openIdle(t.Context(), server.Listener.Addr().String(), webSocket, 1)
	defer clients.close()
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("error %v, want the status in it", err)
	}
}

func TestIdleClientsRefuseOtherAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer server.Close()
	clients, err := openIdle(t.Context(), server.Listener.Addr().String(), http1, 1)
	defer clients.close()
	if err == nil || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("error %v, want the status in it", err)
	}
}

func TestIdleValuesAreDecimal(t *testing.T) {
	got := idleValues(memory{RSS: 12e6, PSS: 11e6}, memory{RSS: 42e6, PSS: 40e6}, 3000)
	for name, want := range map[string]float64{"start": 12, "start_pss": 11, "resident": 42, "perconn": 10, "idle_pss": 40} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestIdleCaseFitsTheLimitOfOpenFiles(t *testing.T) {
	for _, c := range []struct {
		files, connections int
		note               string
	}{
		{1 << 20, 10_000, ""},
		{25_000, 10_000, ""},
		{20_000, 7_600, "idle10k: 7,600 connections instead of 10,000: a process may open 20,000 files here (ulimit -Hn), and a proxy needs two for each"},
		{1024, 200, "idle10k: 200 connections instead of 10,000: a process may open 1,024 files here"},
	} {
		got, note := idleCase("idle10k", http1, 10_000, 0).within(c.files)
		if got.Connections != c.connections || !strings.HasPrefix(note, c.note) || (note == "") != (c.note == "") {
			t.Errorf("with %d files: %d connections, %q; want %d, %q", c.files, got.Connections, note, c.connections, c.note)
		}
		at := paths{}
		at.limitTo(got.Connections)
		if at.Descriptors > c.files {
			t.Errorf("with %d files: a proxy needs %d", c.files, at.Descriptors)
		}
		if ours := got.Batch * got.Connections; ours > c.files {
			t.Errorf("with %d files: %d connections are open here at a time", c.files, ours)
		}
	}
}

func TestOtherCasesNeedNoLimit(t *testing.T) {
	if c, note := binaryCase().within(10); note != "" || c.Batch != 0 {
		t.Errorf("the binary is limited: %q", note)
	}
}
