package proxy

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/accept"
	"lameduck/proxy/mss"
	"lameduck/proxy/pump"
	"lameduck/proxy/tlsterm"
)

// A Server relays the connections of several routes, and asks their clients to disconnect in a
// drain. Its methods may be called by any goroutine. Close releases its resources.
type Server struct {
	shared
	slots          chan struct{} // one for each connection; nil if there is no limit
	acceptFailures *accept.Failures
	cancel         context.CancelFunc // of ctx
	finished       func(*conn)        // unregister

	serving   sync.WaitGroup // calls of Serve
	accepting sync.WaitGroup // calls of Serve that still accept
	limitLog  rateLimitedLog

	sweeping sync.Mutex
	swept    []*conn // scratch space of the last sweep; guarded by sweeping

	mu        sync.Mutex
	conns     map[*conn]struct{}
	acceptors map[*acceptor]struct{}
}

// New returns a server without routes. Call Serve for each.
func New(config Config) *Server {
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	s := &Server{
		acceptFailures: config.AcceptFailures,
		conns:          make(map[*conn]struct{}),
		acceptors:      make(map[*acceptor]struct{}),
	}
	s.shared.init(config)
	if s.acceptFailures == nil {
		s.acceptFailures = accept.NewFailures(config.Log)
	}
	if config.MaxConnections > 0 {
		s.slots = make(chan struct{}, config.MaxConnections)
	}
	s.finished = s.unregister
	s.parker = newParker(config.Log, s.sweep)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// ErrServerClosed is what Serve returns after AppEnded or Close.
var ErrServerClosed = errors.New("server closed")

// Serve accepts connections on ln, and relays each of them on a connection of its own to the
// route's app, until the listener is closed. It returns after every goroutine that it has started:
// with ErrServerClosed if AppEnded or Close has closed the listener, and otherwise with the error
// of Accept.
func (s *Server) Serve(ln net.Listener, to Route) error {
	accepting, closed := context.WithCancel(s.ctx)
	a := newAcceptor(s, newRoute(accepting, to), ln)
	if !s.track(a) {
		closed()
		_ = ln.Close()
		return ErrServerClosed
	}
	defer s.serving.Done()
	defer a.route.conns.Wait()
	defer s.untrack(a)
	defer closed()
	return a.run()
}

func (s *Server) unreserve() {
	if s.slots != nil {
		<-s.slots
	}
}

func (s *Server) acceptEnded(r *route, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses(r) || s.finishing.Load() {
		return ErrServerClosed
	}
	return err
}

// refuses reports whether connections of a route are refused. The caller holds mu.
func (s *Server) refuses(r *route) bool { return s.closed.Load() || s.appGone() && !s.fallsBack(r) }

func (s *Server) track(a *acceptor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses(a.route) || s.finishing.Load() {
		return false
	}
	s.acceptors[a] = struct{}{}
	s.serving.Add(1)
	s.accepting.Add(1)
	return true
}

func (s *Server) untrack(a *acceptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.acceptors, a)
	s.accepting.Done()
}

func (s *Server) register(r *route, client net.Conn) *conn {
	side := client.(Conn)
	if r.tls != nil {
		side = tlsterm.NewRaw(side, s.budget)
	}
	c := s.newConn(r, side)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	r.conns.Add(1)
	s.mu.Unlock()
	if s.draining() { // the drain may have begun before the connection was listed
		c.drain()
	}
	return c
}

func (s *Server) unregister(c *conn) {
	c.mu.Lock() // CloseIdle may still have it in its list
	spoke, ending := c.protocol.final(), c.life.ending
	c.mu.Unlock()
	s.stats.ended[spoke][ending].Add(1)
	if c.fellBack {
		s.stats.fallbacks.Add(-1)
	}
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.unreserve()
	c.route.conns.Done()
}

// Drain makes every connection ask its client to disconnect: HTTP/1 in the next response,
// long-lived connections spread over some time. New connections are still accepted, and idle ones
// stay open. A second call does nothing.
func (s *Server) Drain() {
	now := s.now()
	if !s.drainStart.CompareAndSwap(0, int64(now)) {
		return
	}
	s.sources.Drain(now)
	for _, c := range s.all() {
		c.drain()
	}
}

// AppEnded records that the app has exited for good. While draining, new connections and those that
// wait for the app go to their route's fallback. Without a fallback they are refused, because
// clients retry a refused connection elsewhere. Connections that have reached the app are not
// touched. AppEnded reports whether any route still serves new connections.
func (s *Server) AppEnded() (served bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.appGone() {
		for a := range s.acceptors {
			s.markNoApp(a.ln) // before a connection falls back
		}
		close(s.gone)
	}
	s.closeListeners()
	return len(s.acceptors) > 0
}

// closeListeners closes the listeners of the routes that refuse connections. The caller holds mu.
func (s *Server) closeListeners() {
	for a := range s.acceptors {
		if s.refuses(a.route) {
			s.closeListener(a)
		}
	}
}

// CloseIdle closes the connections that have nothing in flight.
func (s *Server) CloseIdle() {
	undecided := closeIdle(s.all(), false)
	if len(undecided) == 0 {
		return
	}
	// Within microseconds, bytes that have been read are known to be a request or not.
	const tries, pause = 50, time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for try := range tries {
		<-tick.C
		undecided = closeIdle(undecided, try == tries-1)
	}
}

// closeIdle closes those connections that are idle, and returns those on which bytes are being read.
// With force, these do not count, and it returns none.
func closeIdle(conns []*conn, force bool) (undecided []*conn) {
	return slices.DeleteFunc(conns, func(c *conn) bool { return closer{c}.closeIdle(force) })
}

// Cut ends every connection. It returns how many connections had exchanges in flight, and how many
// exchanges. Those connections are reset, so that a part does not look like the whole. The others
// get a FIN.
func (s *Server) Cut() (connections, exchanges int) {
	for _, c := range s.all() {
		n := closer{c}.cut()
		exchanges += n
		if n > 0 {
			connections++
		}
	}
	return connections, exchanges
}

// Close closes the idle connections, accepts the waiting ones, closes the listeners and waits until
// the connections have ended or ctx is done. Then it cuts the rest. It returns after every Serve,
// with the number of connections and exchanges that it has cut.
func (s *Server) Close(ctx context.Context) (connections, exchanges int) {
	s.finishing.Store(true)
	s.CloseIdle() // which makes room for those that wait
	s.acceptWaiting(ctx)
	lost := s.closeForGood()
	s.CloseIdle()
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.serving.Wait()
	}()
	select {
	case <-served:
	case <-ctx.Done():
		connections, exchanges = s.Cut()
	}
	s.cancel()
	s.reap(served)
	s.parker.close()
	s.pipes.Close()
	return connections + lost, exchanges
}

// reap waits for the connections that have been cut, and resets those that their peers do not
// close.
func (s *Server) reap(served <-chan struct{}) {
	timeout := time.NewTimer(2 * cutTimeout)
	defer timeout.Stop()
	select {
	case <-served:
		return
	case <-timeout.C:
	}
	for _, c := range s.all() {
		c.abort()
	}
	<-served
}

// sweep parks the connections that have been idle since the last sweep.
func (s *Server) sweep() {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	s.swept = s.appendConns(s.swept[:0])
	for _, c := range s.swept {
		c.sweep()
	}
	clear(s.swept)
}

func (s *Server) all() []*conn { return s.appendConns(nil) }

func (s *Server) appendConns(conns []*conn) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// markNoApp makes ln announce that this pod has no app. A listener without a descriptor is left
// unmarked.
func (s *Server) markNoApp(ln net.Listener) {
	raw := pump.RawOf(ln)
	if raw == nil {
		return
	}
	if err := mss.Set(raw, mss.NoApp); err != nil {
		s.log.Warn("listener cannot announce that the app has exited", zap.Error(err))
	}
}
