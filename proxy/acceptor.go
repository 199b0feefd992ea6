package proxy

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/accept"
	"lameduck/proxy/pump"
)

// An acceptor accepts the connections of one listener. It reports how many connections wait,
// because waiting clients are not silent: the kernel completes handshakes while we are at the
// connection limit, lack descriptors or do not run.
type acceptor struct {
	server  *Server
	route   *route
	ln      net.Listener
	raw     syscall.RawConn // of ln, or nil if it has no descriptor
	stalled atomic.Bool     // it cannot accept at the moment
}

func newAcceptor(s *Server, r *route, ln net.Listener) *acceptor {
	return &acceptor{server: s, route: r, ln: ln, raw: pump.RawOf(ln)}
}

// run accepts until the listener is closed or, once the server is finishing, until no connection
// waits.
func (a *acceptor) run() error {
	for {
		client, err := a.accept()
		if err != nil {
			return a.server.acceptEnded(a.route, err)
		}
		go a.server.serve(a.server.register(a.route, client))
		if a.server.finishing.Load() && a.queued() == 0 {
			_ = a.ln.Close()
			return ErrServerClosed
		}
	}
}

// accept waits for a connection. It reserves a slot first.
func (a *acceptor) accept() (net.Conn, error) {
	for {
		a.reserve()
		client, err := a.ln.Accept()
		if err == nil {
			a.resume()
			return client, nil
		}
		a.server.unreserve()
		if !accept.IsTransient(err) {
			return nil, err
		}
		a.stalled.Store(true)
		a.server.acceptFailures.Add(err)
		time.Sleep(accept.RetryAfter)
	}
}

// reserve waits for a slot.
func (a *acceptor) reserve() {
	s := a.server
	if s.slots == nil {
		return
	}
	select {
	case s.slots <- struct{}{}:
		return
	default:
	}
	a.stalled.Store(true)
	s.limitLog.warn(s.log, "connection limit reached: more connections wait", zap.Int("limit", cap(s.slots)))
	s.slots <- struct{}{}
}

// resume records that connections are accepted again, if they were not.
func (a *acceptor) resume() {
	if a.stalled.CompareAndSwap(true, false) {
		a.server.noteUnwatched()
	}
}

// queued returns how many connections wait to be accepted, or 0 if that is unknown.
func (a *acceptor) queued() int {
	n, _ := acceptQueue(a.raw)
	return n
}

// unwatched is queued, but returns 1 if the acceptor cannot accept and the number of waiting
// connections is unknown.
func (a *acceptor) unwatched() int {
	n, known := acceptQueue(a.raw)
	if !known && a.stalled.Load() {
		return 1
	}
	return n
}

// A rateLimitedLog drops lines that follow another one within a minute.
type rateLimitedLog struct{ last atomic.Int64 } // Unix time in nanoseconds

func (l *rateLimitedLog) warn(log *zap.Logger, message string, fields ...zap.Field) {
	now, last := time.Now().UnixNano(), l.last.Load()
	if now-last >= int64(time.Minute) && l.last.CompareAndSwap(last, now) {
		log.Warn(message, fields...)
	}
}

// closeListener closes one listener for good. The caller holds mu.
func (s *Server) closeListener(a *acceptor) {
	_ = a.ln.Close()
	delete(s.acceptors, a)
}

// acceptWaiting closes each listener as soon as no connection waits to be accepted, because the
// kernel would reset waiting ones. It gives up when ctx is done. While the server is finishing,
// each acceptor checks its queue after every accept.
func (s *Server) acceptWaiting(ctx context.Context) {
	s.mu.Lock()
	for a := range s.acceptors {
		if a.queued() == 0 {
			s.closeListener(a)
		}
	}
	s.mu.Unlock()
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		s.accepting.Wait()
	}()
	select {
	case <-accepted:
	case <-ctx.Done():
	}
}

// closeForGood closes the remaining listeners, and returns how many connections waited there.
func (s *Server) closeForGood() (waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.acceptors {
		waiting += a.queued()
	}
	s.closed.Store(true)
	s.closeListeners()
	return waiting
}
