package balancer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lameduck/bench/internal/keepalive"
)

// endpoint is one replica as the load balancer sees it.
type endpoint struct {
	addr string
	pool *keepalive.Pool
}

// stage says how far an exchange with an endpoint had come when it failed.
type stage int

const (
	// connecting: no byte of the request can have reached the endpoint.
	connecting stage = iota
	// sent: bytes of the request may have reached it, and the head of its answer has not come.
	sent
)

// endpointError is the failure of one endpoint before the head of its answer had come.
type endpointError struct {
	addr  string
	stage stage
	err   error
}

func (e *endpointError) Error() string {
	if e.stage == connecting {
		return fmt.Sprintf("connect to endpoint %s: %v", e.addr, e.err)
	}
	return fmt.Sprintf("exchange with endpoint %s: %v", e.addr, e.err)
}

func (e *endpointError) Unwrap() error { return e.err }

// answer is an endpoint's answer whose head has come and whose body is still to be read.
type answer struct {
	*http.Response
	conn *keepalive.Conn
	pool *keepalive.Pool
	stop func() bool // ends the watch over the client; false: the client had gone before
}

// ask sends a request to the endpoint and returns the answer as soon as its head has come. Its error is an
// *endpointError.
func (e *endpoint) ask(r *request, cfg Config) (*answer, error) {
	conn, err := e.connect(r.Context(), cfg.ConnectTimeout)
	if err != nil {
		return nil, &endpointError{e.addr, connecting, err}
	}
	// As nginx does, give up the endpoint's connection when the client has gone.
	stop := context.AfterFunc(r.Context(), func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(cfg.ReadTimeout))
	resp, err := converse(conn, r)
	if err != nil {
		stop()
		conn.Close()
		return nil, &endpointError{e.addr, sent, err}
	}
	return &answer{Response: resp, conn: conn, pool: e.pool, stop: stop}, nil
}

func (e *endpoint) connect(ctx context.Context, timeout time.Duration) (*keepalive.Conn, error) {
	if conn := e.pool.Idle(); conn != nil {
		return conn, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return e.pool.Dial(ctx)
}

func converse(conn *keepalive.Conn, r *request) (*http.Response, error) {
	if err := r.send(conn.Writer()); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	for {
		resp, err := http.ReadResponse(conn.Reader, r.Request)
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("read answer: 101 to a request that asked for no upgrade")
		}
		if resp.StatusCode >= http.StatusOK {
			return resp, nil
		}
		// An interim answer is not passed on: the final one is still to come.
	}
}

// done ends an answer whose body has been read to the end, or not: then its connection is of no more use.
func (a *answer) done(whole bool) {
	clientThere := a.stop()
	if whole && clientThere && !a.Close {
		a.pool.Put(a.conn)
		return
	}
	a.conn.Close()
}
