package proxy

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"lameduck/lifecycle/silence"
	"lameduck/proxy/h1"
	"lameduck/proxy/pump"
)

// shared is the state that the connections of a server share.
type shared struct {
	config  Config
	log     *zap.Logger
	probes  probes
	epoch   time.Time
	pipes   *pump.Pipes
	budget  *pump.Budget // for slow peers
	parker  *parker
	sources silence.Tracker
	stats   stats

	ctx  context.Context // done when the server has been closed
	gone chan struct{}   // closed when the app has exited

	drainStart  atomic.Int64 // in nanoseconds since the epoch, or 0 if the server is not draining
	unwatchedAt atomic.Int64 // when a connection last waited unread, since the epoch, or 0
	waiting     atomic.Int64 // connections that have been waiting for the app for a while
	finishing   atomic.Bool  // listeners close when no connection waits, connections when idle
	closed      atomic.Bool  // listeners are closed
}

func (s *shared) init(config Config) {
	config.MaxHeaderSize = cmp.Or(config.MaxHeaderSize, h1.MaxHead)
	s.config, s.log = config, config.Log
	s.probes = newProbes(&s.config)
	s.epoch = time.Now().Add(-time.Second) // no instant of the server's is zero
	s.pipes = pump.NewPipes(config.MaxPipes)
	s.budget = pump.NewBudget(config.SlowPeerBytes)
	s.gone = make(chan struct{})
}

// now returns the time since the server's epoch, from the monotonic clock alone.
func (s *shared) now() time.Duration { return time.Since(s.epoch) }

// draining reports whether clients are asked to disconnect.
func (s *shared) draining() bool { return s.drainStart.Load() != 0 }

func (s *shared) appGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// noteUnwatched records that connections have waited until now without being read.
func (s *shared) noteUnwatched() { s.unwatchedAt.Store(int64(s.now())) }

// failsHealthCheck reports whether a request is a load balancer's health check that fails because
// the server drains. A request with a body is relayed to the app, and so is a probe of the kubelet:
// it may have the same path, and decides whether the pod is ready.
func (s *shared) failsHealthCheck(req *h1.Request) bool {
	return s.draining() && req.Body.Done() && s.probes.health[string(req.Path)] && !isKubelet(req)
}

// fallsBack reports whether new connections go to the fallback once the app has exited.
func (s *shared) fallsBack(r *route) bool { return r.Fallback != nil && s.draining() }

// beginExchange accounts for an exchange before its request is relayed.
func (s *shared) beginExchange(source *silence.Source, e exchange) {
	if e.probe {
		return
	}
	now := s.beginWork(source)
	if s.draining() {
		s.stats.drainExchanges.Add(1)
		s.stats.lastInDrain.Store(int64(now))
	}
}

// beginWork accounts for something in flight.
func (s *shared) beginWork(source *silence.Source) (now time.Duration) {
	now = s.now()
	s.stats.inFlight.Add(1)
	source.Begin(now)
	return now
}

// endWork accounts for the end of something in flight.
func (s *shared) endWork(source *silence.Source) {
	source.End(s.now())
	s.stats.inFlight.Add(-1)
}

// endExchange accounts for the end of an exchange. status is that of the final response, or 0 if
// there was none.
func (s *shared) endExchange(source *silence.Source, e exchange, status int) {
	if e.probe {
		s.stats.probes.Add(1)
		return
	}
	s.endWork(source)
	s.stats.exchanges[class(status)].Add(1)
}
