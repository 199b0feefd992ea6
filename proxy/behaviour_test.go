package proxy

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/lifecycle/silence"
)

func TestAClientThatGoesAwayIsSeenByTheApp(t *testing.T) {
	t.Run("by a reset", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(get)
			app.wants(get)
			client.resets()
			app.wantsReset()
		})
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send(get)
			app.wants(get)
			part := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab"
			app.send(part)
			client.wants(part)
			client.closes()
			app.send("cd")
			synctest.Wait()
			if _, err := app.conn.Write([]byte("ef")); err == nil {
				t.Error("the app can still send to a closed client")
			}
		})
	})
	t.Run("while a switch of protocols is undecided", func(t *testing.T) {
		inBubble(t, Config{}, func(r *rig) {
			client, app := r.connect()
			client.send("CONNECT b:1 HTTP/1.1\r\n\r\n")
			app.wants("CONNECT b:1 HTTP/1.1\r\n\r\n")
			client.closes()
			app.wantsEnd()
		})
	})
}

func TestAnAppThatDiesIsSeenByTheClient(t *testing.T) {
	part := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab"
	for name, test := range map[string]struct {
		sent string
		end  func(*peer)
		seen func(*peer)
	}{
		"before an answer, by a close":         {"", (*peer).closes, (*peer).wantsEnd},
		"before an answer, by a reset":         {"", (*peer).resets, (*peer).wantsReset},
		"in the middle of one, by a close":     {part, (*peer).closes, (*peer).wantsEnd},
		"in the middle of one, by a reset":     {part, (*peer).resets, (*peer).wantsReset},
		"in one that ends with the close":      {"HTTP/1.1 200 OK\r\n\r\nab", (*peer).closes, (*peer).wantsEnd},
		"in one that should, but with a reset": {"HTTP/1.1 200 OK\r\n\r\nab", (*peer).resets, (*peer).wantsReset},
		"after one, by a reset":                {ok, (*peer).resets, (*peer).wantsEnd},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				client.send(get)
				app.wants(get)
				app.send(test.sent)
				client.wants(test.sent)
				test.end(app)
				test.seen(client)
			})
		})
	}
}

// A client that waits for a greeting must be able to distinguish a refusal from an empty one.
func TestAnAppThatResetsASilentConnectionIsSeenByTheClient(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		app.resets()
		client.wantsReset()
		r.wantsNoConnections()
	})
}

func TestAnAppThatClosesAnIdleConnection(t *testing.T) {
	for name, end := range map[string]func(*peer){"by a close": (*peer).closes, "by a reset": (*peer).resets} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(r *rig) {
				client, app := r.connect()
				converse(client, app)
				end(app)
				client.wantsEnd()
			})
		})
	}
}

func TestANewConnectionWaitsForTheApp(t *testing.T) {
	config := Config{AppWait: 5 * time.Second}
	t.Run("and is served when it accepts", func(t *testing.T) {
		inBubble(t, config, func(r *rig) {
			r.setRefuse(true)
			client := r.client("192.0.2.1")
			client.send(get)
			time.Sleep(4 * time.Second)
			client.wantsOpen()
			r.setRefuse(false)
			time.Sleep(time.Second)
			app := r.app()
			app.wants(get)
			app.send(ok)
			client.wants(ok)
		})
	})
	t.Run("and gets a 503 with Retry-After if it does not", func(t *testing.T) {
		inBubble(t, config, func(r *rig) {
			r.setRefuse(true)
			client := r.client("192.0.2.1")
			client.send(get)
			time.Sleep(5*time.Second + lastRetry)
			synctest.Wait()
			got := string(client.available())
			if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "\r\nRetry-After: 1\r\n") {
				t.Errorf("the client got %q, want a 503 with Retry-After", got)
			}
			client.wantsEnd()
			if n := r.server.stats.dialFailures.Load(); n < 5 {
				t.Errorf("%d dial failures counted, want one per attempt", n)
			}
		})
	})
	t.Run("and gets no answer without a request", func(t *testing.T) {
		inBubble(t, config, func(r *rig) {
			r.setRefuse(true)
			client := r.client("192.0.2.1")
			time.Sleep(11 * time.Second)
			client.wantsEnd()
		})
	})
	for name, test := range map[string]struct{ before, request string }{
		"an empty line":       {"\r\n", get},
		"half of one":         {"\r", "\n" + get},
		"some of either kind": {"\n\r\n\n", get},
	} {
		t.Run("and gets nothing for "+name, func(t *testing.T) {
			inBubble(t, config, func(r *rig) {
				r.setRefuse(true)
				client := r.client("192.0.2.1")
				client.send(test.before)
				time.Sleep(11 * time.Second)
				client.wantsEnd()
			})
		})
		t.Run("and gets a 503 for a request after "+name, func(t *testing.T) {
			inBubble(t, config, func(r *rig) {
				r.setRefuse(true)
				client := r.client("192.0.2.1")
				client.send(test.before)
				time.Sleep(6 * time.Second)
				client.sendSlowly(test.request)
				client.wantsAnswer("503")
			})
		})
	}
	t.Run("and is reset once the app has exited", func(t *testing.T) {
		inBubble(t, config, func(r *rig) {
			r.setRefuse(true)
			client := r.client("192.0.2.1")
			client.send(get)
			synctest.Wait()
			r.server.AppEnded()
			client.wantsReset()
			if _, accepted := r.listener.dial(memAddr); accepted {
				t.Error("a new connection was accepted after the app had exited")
			}
		})
	})
}

func TestAHeadThatDoesNotEndIsRefused(t *testing.T) {
	inBubble(t, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
		client, app := r.connect()
		time.Sleep(time.Hour) // the app may be silent for any time
		converse(client, app)
		time.Sleep(time.Hour)
		client.send(get[:5])
		time.Sleep(9 * time.Second)
		client.send(get[5:9])
		client.wantsOpen()
		time.Sleep(2 * time.Second)
		client.wantsAnswer("408")
		app.wantsReset()
	})
}

func TestTheHeaderTimeoutEndsWithTheHead(t *testing.T) {
	inBubble(t, Config{HeaderTimeout: 10 * time.Second}, func(r *rig) {
		client, app := r.connect()
		client.send(get[:5])
		client.send(get[5:])
		app.wants(get)
		time.Sleep(time.Hour)
		app.send(ok)
		client.wants(ok)
		client.send("\r")
		synctest.Wait()
		client.send("\n")
		time.Sleep(time.Hour)
		app.wants("\r\n")
		converse(client, app)
	})
}

func TestWhatIsTraffic(t *testing.T) {
	config := Config{ProbeAgents: DefaultProbeAgents, ProbePaths: []string{"/healthz"}}
	ask := func(path, agent string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nUser-Agent: %s\r\n\r\n", path, agent)
	}
	for name, test := range map[string]struct {
		request string
		traffic bool
	}{
		"a kubelet's probe does not count":             {ask("/", "kube-probe/1.34"), false},
		"a Google load balancer's does not count":      {ask("/", "GoogleHC/1.0"), false},
		"a probe path does not count":                  {ask("/healthz?full=1", "curl/8"), false},
		"a probe path in absolute form does not count": {ask("http://a:80/healthz", "curl/8"), false},
		"a browser's request is":                       {ask("/", "Mozilla/5.0"), true},
		"a request below a probe path is":              {ask("/healthz/x", "curl/8"), true},
		"an agent that mentions a prober is":           {ask("/", "x kube-probe/1.34"), true},
		"a request without a user agent is":            {get, true},
		"an empty user agent makes it traffic":         {ask("/", ""), true},
		"the beginning of a prober's name does":        {ask("/", "kube"), true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, config, func(r *rig) {
				client, app := r.connect()
				r.server.Drain()
				client.send(test.request)
				app.wants(test.request)
				inFlight := r.server.Forecast(silence.Rule{}).InFlight
				seen := r.server.DrainStats().Exchanges
				if got := inFlight == 1; got != test.traffic {
					t.Errorf("in flight: %v, want %v", got, test.traffic)
				}
				if got := seen == 1; got != test.traffic {
					t.Errorf("counted in the drain: %v, want %v", got, test.traffic)
				}
			})
		})
	}
}

func TestAConnectionThatSendsNothingIsNotTraffic(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		r.connect()
		if n := r.server.sources.Len(); n != 0 {
			t.Errorf("%d sources known, want none", n)
		}
	})
}

func TestForecast(t *testing.T) {
	rule := silence.Rule{Quiet: 5 * time.Second, Risk: 0.01}
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		for range 6 {
			converse(client, app)
			time.Sleep(20 * time.Second)
		}
		client.send(get)
		app.wants(get)
		if inFlight := r.server.Forecast(rule).InFlight; inFlight != 1 {
			t.Errorf("%d exchanges in flight, want 1", inFlight)
		}
		time.Sleep(time.Minute)
		app.send(ok)
		client.wants(ok)
		time.Sleep(time.Second)
		f := r.server.Forecast(rule)
		if f.InFlight != 0 || f.SilentIn < 20*time.Second || f.Required != f.SilentIn+time.Second {
			t.Errorf("forecast %+v, want a required silence longer than the gap of 20s", f)
		}
	})
}

func TestSeenReportsWhenTheLastRequestArrived(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		converse(client, app)
		time.Sleep(time.Second)
		r.server.Drain()
		if d := r.server.DrainStats(); d.Exchanges != 0 || d.LastExchange != 0 {
			t.Errorf("got %+v, want nothing before the first exchange", d)
		}
		time.Sleep(3 * time.Second)
		r.server.Drain() // has no effect
		client.send(get)
		app.wants(get)
		time.Sleep(time.Second)
		app.send(ok)
		client.wants(okClose)
		client.closes()
		app.closes()
		synctest.Wait()
		d := r.server.DrainStats()
		if d.Exchanges != 1 || d.LastExchange != 3*time.Second || d.Ended["http1"]["drain"] != 1 {
			t.Errorf("got %+v, want one exchange after 3s, and one connection ended by the drain", d)
		}
	})
}

func TestALoadBalancersHealthCheckFailsWhileDraining(t *testing.T) {
	check := "GET /lb HTTP/1.1\r\nHost: a\r\n\r\n"
	inBubble(t, Config{HealthPaths: []string{"/lb"}}, func(r *rig) {
		client, app := r.connect()
		client.send(check)
		app.wants(check)
		app.send(ok)
		client.wants(ok)
		r.server.Drain()
		client.send(get + check)
		app.wants(get)
		app.send(ok)
		synctest.Wait()
		if got := string(client.available()); !strings.HasPrefix(got, ok+"HTTP/1.1 503 ") {
			t.Errorf("the client got %q, want the app's response and a 503", got)
		}
		if n := r.server.DrainStats().Exchanges; n != 1 {
			t.Errorf("%d exchanges counted, want only the one that is not a health check", n)
		}
	})
}

// The load balancer may check the path of the readiness probe, and the pod must stay ready.
func TestTheKubeletsProbeOfAHealthPathReachesTheApp(t *testing.T) {
	probe := "GET /lb HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1.34\r\n\r\n"
	inBubble(t, Config{HealthPaths: []string{"/lb"}, ProbeAgents: []string{"kube-probe/"}}, func(r *rig) {
		r.server.Drain()
		client, app := r.connect()
		client.send(probe)
		app.wants(probe)
		app.send(ok)
		client.wants(okClose)
		synctest.Wait()
		if n := r.server.DrainStats().Exchanges; n != 0 {
			t.Errorf("%d exchanges counted, want none: a probe is not traffic", n)
		}
	})
}

func TestCloseIdle(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		idle, idleApp := r.connect()
		converse(idle, idleApp)
		busy, busyApp := r.connect()
		busy.send(get)
		busyApp.wants(get)
		arriving, arrivingApp := r.connect()
		converse(arriving, arrivingApp)
		arriving.send(get[:9])
		synctest.Wait()
		r.server.CloseIdle()
		idle.wantsEnd()
		idleApp.wantsEnd()
		arriving.send(get[9:])
		arrivingApp.wants(get)
		for _, p := range []struct{ client, app *peer }{{busy, busyApp}, {arriving, arrivingApp}} {
			p.app.send(ok)
			p.client.wants(ok)
		}
	})
}

func TestCut(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		idle, _ := r.connect()
		busy, busyApp := r.connect()
		busy.send(get + get)
		busyApp.wants(get + get)
		tunnel, tunnelApp := tunnelled(r)
		half, halfApp := tunnelled(r)
		halfApp.ends()
		half.wantsEnd() // and it is still open at the second Cut
		connections, exchanges := r.server.Cut()
		if connections != 3 || exchanges != 4 {
			t.Errorf("%d connections with %d exchanges were cut, want 3 with 4", connections, exchanges)
		}
		idle.wantsEnd()
		for _, p := range []*peer{busy, busyApp, tunnel, tunnelApp} {
			p.wantsReset()
		}
		if connections, exchanges := r.server.Cut(); connections != 0 || exchanges != 0 {
			t.Errorf("%d connections with %d exchanges were cut and counted again", connections, exchanges)
		}
		time.Sleep(2 * cutTimeout)
		r.wantsNoConnections()
		if ended := r.server.DrainStats().Ended; ended["http1"]["cut"] != 1 || ended["none"]["cut"] != 1 || ended["tunnel"]["cut"] != 2 {
			t.Errorf("ended %v, want all of them cut", ended)
		}
		if n := r.server.Ended(); n != 4 {
			t.Errorf("%d connections have ended, want 4", n)
		}
	})
}

func TestAHealthProbeThatIsCutIsInNoCount(t *testing.T) {
	inBubble(t, Config{ProbeAgents: DefaultProbeAgents}, func(r *rig) {
		client, app := r.connect()
		client.send(probe)
		app.wants(probe)
		if connections, exchanges := r.server.Cut(); connections != 0 || exchanges != 0 {
			t.Errorf("%d connections with %d exchanges were cut, want none", connections, exchanges)
		}
		client.wantsReset()
		app.wantsReset()
	})
}

func TestCloseWaitsForWhatIsInFlight(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get)
		app.wants(get)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
		defer cancel()
		closed := make(chan [2]int, 1)
		go func() {
			connections, exchanges := r.server.Close(ctx)
			closed <- [2]int{connections, exchanges}
		}()
		time.Sleep(30 * time.Second)
		select {
		case <-closed:
			t.Fatal("Close returned while an exchange was in flight")
		default:
		}
		r.server.Drain()
		app.send(ok)
		client.wants(okClose)
		client.closes()
		app.closes()
		if cut := <-closed; cut != [2]int{} {
			t.Errorf("%v were cut, want none", cut)
		}
	})
}

func TestCloseEndsEvenPeersThatNeverClose(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 100))
		synctest.Wait()
		_ = app
		start := time.Now()
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		if connections, exchanges := r.server.Close(ctx); connections != 1 || exchanges != 1 {
			t.Errorf("%d connections with %d exchanges were cut, want 1 with 1", connections, exchanges)
		}
		if took := time.Since(start); took > time.Second+3*cutTimeout {
			t.Errorf("Close took %v", took)
		}
	})
}

// A client that was asked to disconnect may have sent its next request already. Closing at once
// would answer it with an RST, which destroys what the client has not read yet.
func TestTheLastResponseIsNotDestroyedByAReset(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get)
		app.wants(get)
		r.server.Drain()
		app.send(ok)
		for range 3 { // each write fails once the connection is closed
			synctest.Wait()
			client.send(get)
		}
		client.wants(okClose)
		client.wantsEnd()
		app.wantsNothing()
		time.Sleep(lingerTimeout + time.Second)
		r.wantsNoConnections()
	})
}

func TestAClientThatSendsOnAndOnDoesNotKeepItsConnection(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		client, app := r.connect()
		client.send(get)
		app.wants(get)
		r.server.Drain()
		app.send(ok)
		client.wants(okClose)
		for range 20 {
			time.Sleep(time.Second)
			if _, err := client.conn.Write([]byte("x")); err != nil {
				return
			}
		}
		t.Error("the connection stays open as long as the client sends")
	})
}

// A flakyListener fails once before each connection.
type flakyListener struct {
	*memListener
	err    error
	failed bool
}

func (l *flakyListener) Accept() (net.Conn, error) {
	if l.failed = !l.failed; l.failed {
		return nil, &net.OpError{Op: "accept", Err: l.err}
	}
	return l.memListener.Accept()
}

func TestAcceptIsTriedAgainWhenTheSystemIsShortOfSomething(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		ln := &flakyListener{memListener: newMemListener(), err: syscall.EMFILE}
		served := make(chan error, 1)
		go func() { served <- r.server.Serve(ln, Route{Dial: r.dial}) }()
		for range 3 {
			c, ok := ln.dial(memAddr)
			if !ok {
				t.Fatal("the listener is closed")
			}
			client, app := &peer{r.t, "client", c}, r.app()
			converse(client, app)
			client.closes()
			app.closes()
		}
		_ = ln.Close()
		if err := <-served; err == nil || err == ErrServerClosed {
			t.Errorf("Serve returned %v, want the error of Accept", err)
		}
	})
}

func TestAConnectionThatHasEndedGivesItsSourceBack(t *testing.T) {
	inBubble(t, Config{}, func(r *rig) {
		call := func(a, b byte) {
			c, _ := r.listener.dial(&net.TCPAddr{IP: net.IPv4(10, 0, a, b), Port: 1})
			client, app := &peer{r.t, "client", c}, r.app()
			converse(client, app)
			client.closes()
			app.closes()
			synctest.Wait()
		}
		for i := range silence.MaxSources {
			call(byte(i>>8), byte(i))
		}
		time.Sleep(3 * silence.Window)
		call(100, 2)
		call(100, 3)
		if n := r.server.sources.Len(); n != 2 {
			t.Errorf("%d sources known, want the two that have sent requests since", n)
		}
	})
}
