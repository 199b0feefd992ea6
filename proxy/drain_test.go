package proxy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle"
)

// The end of the hold, rule by rule, with the real relay: the lifecycle decides from what has
// really been relayed.

// A drain is a rig with a lifecycle, which drains its server.
type drain struct {
	*rig
	lifecycle *lifecycle.Lifecycle
	start     time.Time
}

// inDrain lets the server serve ten minutes of traffic, if there is any, and then begins a drain.
func inDrain(t *testing.T, hold lifecycle.Hold, before, after func(*drain)) {
	t.Helper()
	config := Config{ProbeAgents: DefaultProbeAgents}
	inBubble(t, config, func(r *rig) {
		d := &drain{rig: r}
		d.lifecycle = lifecycle.New(lifecycle.Config{Hold: hold}, lifecycleRelay{r.server}, lifecycle.NewExternalApp(always))
		events := make(chan lifecycle.Event, 2)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.lifecycle.Run(r.t.Context(), events)
		}()
		defer func() {
			events <- lifecycle.Interrupt
			events <- lifecycle.Interrupt
			<-ended
		}()
		before(d)
		d.start = time.Now()
		d.lifecycle.RequestDrain(false)
		after(d)
	})
}

func always(context.Context) (present bool, pause time.Duration) { return true, time.Second }

// calls sends a request from an address over a new connection. The answer takes the given time.
func (d *drain) calls(ip, request string, takes time.Duration) {
	d.t.Helper()
	client := d.client(ip)
	app := d.app()
	client.send(request)
	app.wants(request)
	time.Sleep(takes)
	app.send(ok)
	synctest.Wait()
	client.closes()
	app.closes()
	synctest.Wait()
}

// wantsEndAt expects that the hold ends at this time after the drain's start.
func (d *drain) wantsEndAt(at time.Duration, reason lifecycle.Reason) {
	d.t.Helper()
	time.Sleep(time.Until(d.start.Add(at - time.Millisecond)))
	synctest.Wait()
	if p := d.lifecycle.Phase(); p != lifecycle.Draining {
		d.t.Fatalf("phase %v at %v: the hold ended too early", p, at)
	}
	time.Sleep(2 * time.Millisecond)
	synctest.Wait()
	if p := d.lifecycle.Phase(); p != lifecycle.Drained {
		d.t.Fatalf("phase %v at %v: the hold lasts too long", p, at)
	}
	if got := d.lifecycle.Summary().End; got != reason {
		d.t.Errorf("the hold ended with reason %v, want %v", got, reason)
	}
}

// wantsEndWithin expects that the hold ends between two times after the drain's start.
func (d *drain) wantsEndWithin(from, to time.Duration, reason lifecycle.Reason) {
	d.t.Helper()
	time.Sleep(time.Until(d.start.Add(from - time.Millisecond)))
	synctest.Wait()
	if p := d.lifecycle.Phase(); p != lifecycle.Draining {
		d.t.Fatalf("phase %v at %v: the hold ended too early", p, from)
	}
	time.Sleep(to - from)
	synctest.Wait()
	if s := d.lifecycle.Summary(); s.End != reason {
		d.t.Fatalf("the hold ended with reason %v by %v, want %v", s.End, to, reason)
	}
}

var rule = lifecycle.Hold{Min: 5 * time.Second, Quiet: 5 * time.Second, Max: 10 * time.Minute, Risk: 0.01}

const probe = "GET / HTTP/1.1\r\nUser-Agent: kube-probe/1.34\r\n\r\n"

func TestTheHoldEnds(t *testing.T) {
	nothing := func(*drain) {}
	busy := func(d *drain) {
		for range 100 {
			d.calls("192.0.2.1", get, 0)
			time.Sleep(100 * time.Millisecond)
		}
	}
	slow := func(d *drain) {
		for range 5 {
			d.calls("192.0.2.1", get, 0)
			time.Sleep(20 * time.Second)
		}
		d.calls("192.0.2.1", get, 0)
	}
	t.Run("at Min without traffic", func(t *testing.T) {
		inDrain(t, rule, nothing, func(d *drain) { d.wantsEndAt(5*time.Second, lifecycle.EndedQuiet) })
	})
	t.Run("Quiet after the end of a busy source's last exchange", func(t *testing.T) {
		inDrain(t, rule, busy, func(d *drain) {
			time.Sleep(4 * time.Second)
			d.calls("192.0.2.1", get, 2*time.Second)
			// The gap of 4.1 s is now in the histogram.
			d.wantsEndWithin(11*time.Second, 17*time.Second, lifecycle.EndedQuiet)
		})
		inDrain(t, rule, busy, func(d *drain) {
			for range 60 {
				d.calls("192.0.2.1", get, 0)
				time.Sleep(100 * time.Millisecond)
			}
			d.wantsEndAt(5900*time.Millisecond+5*time.Second, lifecycle.EndedQuiet)
		})
	})
	t.Run("more than a gap after that of a slow one", func(t *testing.T) {
		inDrain(t, rule, slow, func(d *drain) {
			d.wantsEndWithin(25*time.Second, 2*time.Minute, lifecycle.EndedQuiet)
		})
	})
	t.Run("when the slower of two load balancer nodes has stopped", func(t *testing.T) {
		inDrain(t, rule, busy, func(d *drain) {
			for range 200 { // the other node stops routing at once
				d.calls("192.0.2.2", get, 0)
				time.Sleep(100 * time.Millisecond)
			}
			d.wantsEndWithin(24900*time.Millisecond, 40*time.Second, lifecycle.EndedQuiet)
		})
	})
	t.Run("as if there were no probes", func(t *testing.T) {
		inDrain(t, rule, nothing, func(d *drain) {
			for range 40 {
				d.calls("192.0.2.9", probe, 50*time.Millisecond)
				time.Sleep(50 * time.Millisecond)
			}
			d.wantsEndAt(5*time.Second, lifecycle.EndedQuiet)
		})
	})
	t.Run("as if there were no connections that say nothing", func(t *testing.T) {
		inDrain(t, rule, nothing, func(d *drain) {
			client, _ := d.connect()
			defer client.closes()
			d.wantsEndAt(5*time.Second, lifecycle.EndedQuiet)
		})
	})
	t.Run("Quiet after an exchange of 20 s is finished", func(t *testing.T) {
		inDrain(t, rule, nothing, func(d *drain) {
			d.calls("192.0.2.1", get, 20*time.Second)
			d.wantsEndAt(25*time.Second, lifecycle.EndedQuiet)
		})
	})
	t.Run("at Max, and exchanges in flight are cut and counted", func(t *testing.T) {
		short := rule
		short.Max = 30 * time.Second
		inDrain(t, short, nothing, func(d *drain) {
			client, app := d.connect()
			client.send(get)
			app.wants(get)
			d.wantsEndAt(30*time.Second, lifecycle.EndedMax)
			client.wantsReset()
			app.wantsReset()
			if s := d.lifecycle.Summary(); s.CutExchanges != 1 || s.CutConnections != 1 || s.Exchanges != 1 {
				t.Errorf("summary %+v, want 1 exchange cut", s)
			}
		})
	})
}

func TestEverythingIsServedUntilTheEndOfTheHold(t *testing.T) {
	inDrain(t, rule, func(*drain) {}, func(d *drain) {
		idle, idleApp := d.connect()
		for range 100 {
			d.calls("192.0.2.1", get, 0)
			time.Sleep(time.Second)
		}
		idle.wantsOpen()
		idle.send(get)
		idleApp.wants(get)
		idleApp.send(ok)
		idle.wants(okClose)
		if s := d.lifecycle.Summary(); s.Exchanges != 101 || s.LastExchange != 100*time.Second {
			t.Errorf("summary %+v, want 101 exchanges, the last after 1m40s", s)
		}
	})
}

// A lifecycleRelay is the server as the lifecycle sees it.
type lifecycleRelay struct{ *Server }

func (r lifecycleRelay) DrainStats() lifecycle.DrainStats {
	return lifecycle.DrainStats(r.Server.DrainStats())
}
