package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"time"

	"lameduck/bench/load"
)

// calls are the requests of -call, which never repeats one. Its handler ends them.
type calls struct {
	end  context.CancelFunc
	done chan struct{} // closed when the last request has ended
	result
}

// A result is the answer to GET /calls.
type result struct {
	Requests int
	Failures []string
}

// startCalls starts to send requests, if an address is set.
func startCalls(o options) http.Handler {
	if o.call == "" {
		return http.NotFoundHandler()
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &calls{end: cancel, done: make(chan struct{})}
	go c.run(ctx, o)
	return c
}

func (c *calls) run(ctx context.Context, o options) {
	defer close(c.done)
	r, err := load.Run(ctx, load.Config{
		Addrs:    []string{o.call},
		Arrivals: load.Uniform(3*time.Second, 4*time.Second, uint64(time.Now().UnixNano())),
		Requests: []load.Request{{Method: http.MethodPost, Body: 100, NewConn: !o.keep}},
	})
	if err != nil {
		c.Failures = []string{err.Error()}
		return
	}
	c.Requests = r.Requests()
	for _, s := range r.Failures() {
		at := r.Start.Add(s.Due).UTC().Format(time.RFC3339Nano)
		host, _ := os.Hostname()
		c.Failures = append(c.Failures, host+" at "+at+": "+s.Err.Error())
	}
}

// ServeHTTP ends the requests and returns the result.
func (c *calls) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.end()
	<-c.done
	json.NewEncoder(w).Encode(c.result)
}
