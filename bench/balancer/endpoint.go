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

// A stage is how far an exchange with an endpoint had come when it failed.
type stage int

const (
	// connecting means that no byte of the request can have reached the endpoint.
	connecting stage = iota
	// sent means that bytes of the request may have reached the endpoint, but no complete response
	// head has arrived.
	sent
)

// endpointError is the failure of one endpoint before its response head had arrived.
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

// An answer is a response of which the head has been read and the body has not.
type answer struct {
	*http.Response
	conn *keepalive.Conn
	pool *keepalive.Pool
	stop func() bool // stops watching the client; reports false if the client had gone
}

// ask sends a request to the endpoint and returns the answer as soon as its head has arrived. Its
// error is an *endpointError.
func (e *endpoint) ask(r *bufferedRequest, cfg Config) (*answer, error) {
	conn, err := e.connect(r.Context(), cfg.ConnectTimeout)
	if err != nil {
		return nil, &endpointError{e.addr, connecting, err}
	}
	// Like nginx, close the connection to the endpoint when the client has gone.
	stop := context.AfterFunc(r.Context(), func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(cfg.ReadTimeout))
	resp, err := exchange(conn, r)
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

func exchange(conn *keepalive.Conn, r *bufferedRequest) (*http.Response, error) {
	if err := r.send(conn.Writer()); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	for {
		resp, err := http.ReadResponse(conn.Reader, r.Request)
		if err != nil {
			return nil, fmt.Errorf("read response: %w", err)
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("read response: 101 without a request to upgrade")
		}
		if resp.StatusCode >= http.StatusOK {
			return resp, nil
		}
		// An interim response is not passed on. The final one is still to come.
	}
}

// done ends an answer. Its connection is reused if the whole body has been read, and closed
// otherwise.
func (a *answer) done(whole bool) {
	clientThere := a.stop()
	if whole && clientThere && !a.Close {
		a.pool.Put(a.conn)
		return
	}
	a.conn.Close()
}
