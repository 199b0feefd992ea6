package adminserver

import (
	"context"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lameduck/lifecycle/accept"
	"lameduck/lifecycle/peerset"
)

// A Config is what a [Server] needs.
type Config struct {
	Handler http.Handler
	// MaxConns bounds the connections. It must be positive.
	MaxConns int
	// Failures counts and logs failed accepts. It must be set.
	Failures *accept.Failures
	// Accepted counts the accepted connections. It may be nil.
	Accepted *atomic.Uint64
	// ErrorLog is for errors of net/http. If it is nil, the standard logger is used.
	ErrorLog *log.Logger
}

// The time limits of a connection. Requests have no body and responses are small. A handler that
// waits hijacks its connection, and then these limits no longer apply.
const (
	headTimeout  = 10 * time.Second
	readTimeout  = 10 * time.Second // head and body
	writeTimeout = 10 * time.Second // from the end of the head to the end of the response

	// idleTimeout is between the usual scrape intervals of 15, 30 and 60 seconds, so that no connection
	// is closed at the moment of its next use.
	idleTimeout = 45 * time.Second

	maxHeadBytes = 16 << 10
)

// A Server is an HTTP server for one listener.
type Server struct {
	config  Config
	http    *http.Server
	reserve reserve

	mu    sync.Mutex
	conns peerset.Set[*conn]
}

// New returns a server that serves nothing yet. It holds descriptors in reserve until Serve returns.
func New(config Config) *Server {
	s := &Server{config: config}
	s.reserve.fill()
	s.http = &http.Server{
		Handler:           config.Handler,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeadBytes,
		ConnState:         s.changed,
		ErrorLog:          config.ErrorLog,
	}
	return s
}

// Serve serves the connections of ln until Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	limitReceiveBuffer(ln)
	defer s.reserve.close()
	return s.http.Serve(&listener{ln, s})
}

// Shutdown closes the listener and returns when every response has been sent. When ctx is done, it
// closes the remaining connections.
func (s *Server) Shutdown(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// admit adds a connection, and closes one if that makes too many.
func (s *Server) admit(raw net.Conn) *conn {
	if s.config.Accepted != nil {
		s.config.Accepted.Add(1)
	}
	c := &conn{Conn: raw, server: s}
	s.mu.Lock()
	c.member = s.conns.Add(raw.RemoteAddr(), c)
	var surplus *conn
	if s.conns.Len() > s.config.MaxConns {
		surplus = s.conns.Busiest().Value
	}
	s.mu.Unlock()
	if surplus != nil {
		_ = surplus.Close()
	}
	return c
}

// makeRoom waits until accept, which has failed with err, is worth retrying.
func (s *Server) makeRoom(err error) {
	if accept.LacksDescriptors(err) {
		if s.reserve.spend() {
			return
		}
		s.closeBusiest()
	}
	time.Sleep(accept.RetryAfter)
}

func (s *Server) closeBusiest() {
	s.mu.Lock()
	m := s.conns.Busiest()
	s.mu.Unlock()
	if m != nil {
		_ = m.Value.Close()
	}
}

// changed removes hijacked connections.
func (s *Server) changed(c net.Conn, state http.ConnState) {
	if state == http.StateHijacked {
		s.remove(c.(*conn))
	}
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns.Remove(c.member)
}
