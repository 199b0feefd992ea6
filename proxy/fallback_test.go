package proxy

import (
	"context"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// withFallback is inBubble for a route with a fallback. The test plays the fallback.
func withFallback(t *testing.T, test func(r *rig, others <-chan *memConn)) {
	others := make(chan *memConn, 10)
	fallback := func(context.Context) (Conn, error) {
		c, other := memPipe(memAddr)
		others <- other
		return c, nil
	}
	through(t, Route{Fallback: fallback}, Config{AppWait: 5 * time.Second}, func(r *rig) { test(r, others) })
}

// other returns the fallback's side of the next connection to it.
func (r *rig) other(others <-chan *memConn) *peer {
	r.t.Helper()
	synctest.Wait()
	select {
	case c := <-others:
		return &peer{r.t, "fallback", c}
	default:
		r.t.Fatal("the fallback sees no connection")
		return nil
	}
}

func TestTheFallbackServesNewConnectionsWhenTheAppHasGoneWhileDraining(t *testing.T) {
	withFallback(t, func(r *rig, others <-chan *memConn) {
		old, app := r.connect()
		converse(old, app)
		r.server.Drain()
		r.setRefuse(true)
		waiting := r.client("192.0.2.1")
		waiting.send(get)
		waiting.wantsOpen()
		if !r.server.AppEnded() {
			t.Error("AppEnded reports that nothing is served")
		}
		time.Sleep(lastRetry)
		serveFromFallback(waiting, r.other(others))
		next := r.client("192.0.2.2")
		next.send(get)
		serveFromFallback(next, r.other(others))
		old.wantsOpen() // it lasts until its app closes it
		if n := r.server.stats.dialFailures.Load(); n != r.refusals() {
			t.Errorf("%d dial failures counted, want %d", n, r.refusals())
		}
		if n := r.server.stats.fellBack.Load(); n != 2 {
			t.Errorf("%d connections counted as sent to the fallback, want 2", n)
		}
	})
}

// serveFromFallback makes the fallback answer the request that the client has sent.
func serveFromFallback(client, other *peer) {
	client.t.Helper()
	other.wants(get)
	other.send(ok)
	client.wants(okClose)
	client.wantsEnd()
	client.closes()
	other.closes()
}

func TestTheFallbackIsNeverUsedWhileServing(t *testing.T) {
	withFallback(t, func(r *rig, others <-chan *memConn) {
		r.setRefuse(true)
		client := r.client("192.0.2.1")
		client.send(get)
		synctest.Wait()
		if r.server.AppEnded() {
			t.Error("AppEnded reports that connections are still served")
		}
		client.wantsReset()
		if _, accepted := r.listener.dial(memAddr); accepted {
			t.Error("a new connection was accepted after the app had exited")
		}
		if len(others) > 0 {
			t.Error("the fallback sees a connection")
		}
	})
}

func TestAnAppThatHasNotExitedIsNeverBypassed(t *testing.T) {
	withFallback(t, func(r *rig, others <-chan *memConn) {
		r.server.Drain()
		r.setRefuse(true)
		tooEarly := r.client("192.0.2.1")
		tooEarly.send(get)
		time.Sleep(5*time.Second + lastRetry)
		tooEarly.wantsAnswer("503")
		client := r.client("192.0.2.1")
		client.send(get)
		time.Sleep(time.Second)
		r.setRefuse(false)
		time.Sleep(time.Second)
		app := r.app()
		app.wants(get)
		app.send(ok)
		client.wants(okClose)
		if len(others) > 0 {
			t.Error("the fallback sees a connection")
		}
		app.closes()
		client.closes()
	})
}

func TestAClientIsResetWhenTheFallbackIsNotReached(t *testing.T) {
	route := Route{Fallback: func(context.Context) (Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}}
	through(t, route, Config{}, func(r *rig) {
		r.server.Drain()
		r.server.AppEnded()
		client := r.client("192.0.2.1")
		client.wantsReset()
	})
}

func TestNoMoreFallbacksThanThereMayBe(t *testing.T) {
	withFallback(t, func(r *rig, others <-chan *memConn) {
		r.server.Drain()
		r.server.AppEnded()
		r.server.stats.fallbacks.Store(maxFallbacks - 1)
		last := r.client("192.0.2.1")
		other := r.other(others)
		r.client("192.0.2.2").wantsReset()
		last.closes()
		other.closes()
		synctest.Wait()
		next := r.client("192.0.2.3")
		r.other(others).closes()
		next.closes()
		synctest.Wait()
		if n := r.server.stats.fallbacks.Load(); n != maxFallbacks-1 {
			t.Errorf("%d connections to fallbacks counted at the end, want %d", n, maxFallbacks-1)
		}
	})
}
