package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"lameduck/bench/internal/wait"
)

// options select the kind of app.
type options struct {
	listen      string
	graceful    bool
	startAfter  time.Duration
	idleTimeout time.Duration
}

// run waits for startAfter and then serves. When ctx is done, it stops listening, closes idle
// connections, and returns once the requests in flight are finished.
func run(ctx context.Context, o options) error {
	if wait.For(ctx, o.startAfter) != nil {
		return nil //nolint:nilerr // stopped before it listened
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	return o.serve(ctx, l)
}

func (o options) serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{Handler: http.HandlerFunc(serve), IdleTimeout: o.idleTimeout}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	err := s.Shutdown(context.Background())
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}
