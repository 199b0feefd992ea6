package measure

import (
	"bytes"
	"context"
	"net/http"

	"github.com/coder/websocket"

	"lameduck/bench/openloop"
)

// A client makes the requests of the lanes. It never repeats one.
type client struct {
	cfg    Config
	dialer dialer
	pools1 map[Lane]*pool1
	pools2 map[Lane]*pool2
	socket map[Lane]*socketPool
}

func newClient(cfg Config, book *addressBook) *client {
	c := &client{
		cfg: cfg, dialer: dialer{book: book},
		pools1: map[Lane]*pool1{}, pools2: map[Lane]*pool2{}, socket: map[Lane]*socketPool{},
	}
	if cfg.URL.Scheme == "https" {
		c.dialer.tls = cfg.TLS.Clone()
		c.dialer.tls.ServerName = cfg.URL.Hostname()
	}
	return c
}

// use prepares the pools of lanes.
func (c *client) use(lanes []Lane) {
	for _, l := range lanes {
		switch {
		case l.New:
		case l.Protocol == WebSocket:
			c.socket[l] = newSocketPool(c.dialer, c.cfg.Connections)
		case l.Protocol.isHTTP2():
			c.pools2[l] = newPool2(c.dialer, c.cfg.Connections)
		default:
			c.pools1[l] = &pool1{dialer: c.dialer, size: c.cfg.Connections}
		}
	}
}

func (c *client) close() {
	for _, p := range c.pools1 {
		p.close()
	}
	for _, p := range c.pools2 {
		p.close()
	}
	for _, p := range c.socket {
		p.close()
	}
}

// A failure is a lost request.
type failure struct {
	error
	address string
	pod     string
}

func (f *failure) Unwrap() error { return f.error }

// exchange makes one request of a lane. Its error is a *failure or nil. The pod is that of the
// response, if it names one.
func (c *client) exchange(ctx context.Context, l Lane) (pod string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, addr, err := c.do(ctx, l, c.request(l))
	if resp != nil && c.cfg.PodHeader != "" {
		pod = resp.Header.Get(c.cfg.PodHeader)
	}
	switch {
	case resp == nil:
	case l.Protocol == GRPC:
		err = grpcFailure(resp, err)
	case !c.cfg.Expect.Has(resp.StatusCode):
		err = openloop.StatusFailure(resp.StatusCode)
	}
	if err != nil {
		return pod, &failure{err, addr, pod}
	}
	return pod, nil
}

func (c *client) do(ctx context.Context, l Lane, r *http.Request) (*http.Response, string, error) {
	switch {
	case l.Protocol == WebSocket:
		addr, err := c.ping(ctx, l, r)
		return nil, addr, err
	case l.New && l.Protocol.isHTTP2():
		p := newPool2(c.dialer, 1)
		defer p.close()
		return p.do(ctx, r)
	case l.New:
		p := &pool1{dialer: c.dialer} // it keeps no connection
		return p.do(ctx, r)
	case l.Protocol.isHTTP2():
		return c.pools2[l].do(ctx, r)
	}
	return c.pools1[l].do(ctx, r)
}

// ping makes one exchange on a WebSocket. In a lane with new connections it then closes the
// WebSocket.
func (c *client) ping(ctx context.Context, l Lane, r *http.Request) (string, error) {
	if !l.New {
		return c.socket[l].do(ctx, r)
	}
	s, addr, err := c.dialer.dialSocket(ctx, r)
	if err != nil {
		return addr, err
	}
	defer s.close()
	if err := s.exchange(ctx); err != nil {
		return addr, err
	}
	_ = s.Close(websocket.StatusNormalClosure, "") // the app may not answer it; that costs nothing
	return addr, nil
}

// request returns a new request of a lane.
func (c *client) request(l Lane) *http.Request {
	r := &http.Request{
		Method: l.Method, URL: c.cfg.URL, Header: c.cfg.Header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", c.cfg.userAgent())
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	if l.Protocol == GRPC {
		setHealthCheck(r, c.cfg)
		return r
	}
	if l.Method == http.MethodPost {
		p := c.cfg.Post
		r.URL = p.URL
		r.ContentLength = int64(len(p.Body))
		r.Body = http.NoBody
		if len(p.Body) > 0 {
			r.Body = &body{bytes.NewReader(p.Body)}
		}
		if r.Header.Get("Content-Type") == "" && p.ContentType != "" {
			r.Header.Set("Content-Type", p.ContentType)
		}
	}
	return r
}

// body is a request body. Its type is unknown to net/http, which therefore cannot send it again.
type body struct{ *bytes.Reader }

func (*body) Close() error { return nil }
