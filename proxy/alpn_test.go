package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lameduck/proxy/h2"
	"lameduck/proxy/tlsterm"
)

// The time limits of package tlsterm.
const (
	answerWait      = 250 * time.Millisecond // how long a client waits for the app's answer
	questionTimeout = 10 * time.Second       // how long the app may take to answer
	maxValidity     = time.Minute            // how long an answer is used
)

// A questioned app answers whether it supports HTTP/2, and nothing else.
type questioned struct {
	mu     sync.Mutex
	asked  int
	answer string        // to each question; if empty, there is none
	after  time.Duration // delay of the answer
}

// answersQuestions makes the app of a rig answer. Its connections end with their peers.
func (r *rig) answersQuestions(answer string, after time.Duration) *questioned {
	q := &questioned{answer: answer, after: after}
	ctx := r.t.Context()
	go func() {
		for {
			select {
			case app := <-r.apps:
				go q.serve(app)
			case <-ctx.Done():
				return
			}
		}
	}()
	return q
}

func (q *questioned) serve(app *memConn) {
	defer app.Close()
	b := make([]byte, len(h2.Preface)+h2.HeaderSize)
	if _, err := io.ReadFull(app, b); err != nil || string(b) != h2.Preface+string(h2.AppendSettings(nil)) {
		return
	}
	q.mu.Lock()
	q.asked++
	answer, after := q.answer, q.after
	q.mu.Unlock()
	time.Sleep(after)
	_, _ = io.WriteString(app, answer)
	_, _ = io.Copy(io.Discard, app)
}

func (q *questioned) now(answer string, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.answer, q.after = answer, after
}

// wantsQuestions expects this number of questions since the last call.
func (q *questioned) wantsQuestions(t *testing.T, want int) {
	t.Helper()
	synctest.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.asked != want {
		t.Errorf("the app was asked %d times, want %d", q.asked, want)
	}
	q.asked = 0
}

// onQuestionedRoute is overTLS with a questioned app.
func onQuestionedRoute(t *testing.T, answer string, after time.Duration, test func(*rig, *questioned)) {
	t.Helper()
	overTLS(t, Route{}, Config{}, func(r *rig) { test(r, r.answersQuestions(answer, after)) })
}

const (
	speaksSettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	speaksHTTP1    = "HTTP/1.1 400 Bad Request\r\n\r\n"
)

// both are the protocols that most HTTP clients offer.
var both = []string{tlsterm.ALPNHTTP2, tlsterm.ALPNHTTP1}

func TestHandshakesDoNotWaitForOneAnotherWhileTheAppIsBusy(t *testing.T) {
	onQuestionedRoute(t, speaksSettings, 6*time.Second, func(r *rig, q *questioned) {
		start := time.Now()
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() { r.wantsProtocol(tlsterm.ALPNHTTP1, both...) })
		}
		clients.Wait()
		if took := time.Since(start); took > answerWait {
			t.Errorf("8 handshakes took %v, want at most %v", took, answerWait)
		}
		q.wantsQuestions(t, 1)
		start = time.Now()
		r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
		if took := time.Since(start); took > 0 {
			t.Errorf("a later one waited another %v", took)
		}
		q.wantsQuestions(t, 0)
		time.Sleep(6 * time.Second)
		r.wantsProtocol(tlsterm.ALPNHTTP2, both...) // the answer has arrived
		q.wantsQuestions(t, 0)
	})
}

func TestAnAppThatRestartsAsAnotherOneIsNoticed(t *testing.T) {
	for name, restart := range map[string]func(r *rig){
		"after a while": func(*rig) { time.Sleep(maxValidity) },
		"at once, if it was not there meanwhile": func(r *rig) {
			r.setRefuse(true)
			_ = secureClient(r.t, r.client("192.0.2.1").conn, &tls.Config{}).Handshake()
			r.setRefuse(false)
		},
		"at once, if it has broken an exchange": func(r *rig) {
			client := r.secureClient(tlsterm.ALPNHTTP1)
			client.send(get + get) // the app closes connections that ask nothing
			synctest.Wait()
			_ = client.Close()
		},
	} {
		for _, test := range []struct{ before, first, after, then string }{
			{speaksHTTP1, tlsterm.ALPNHTTP1, speaksSettings, tlsterm.ALPNHTTP2},
			{speaksSettings, tlsterm.ALPNHTTP2, speaksHTTP1, tlsterm.ALPNHTTP1},
		} {
			t.Run(name+": as "+test.then, func(t *testing.T) {
				onQuestionedRoute(t, test.before, 0, func(r *rig, q *questioned) {
					r.wantsProtocol(test.first, both...)
					q.now(test.after, 0)
					r.wantsProtocol(test.first, both...)
					q.wantsQuestions(t, 1)
					restart(r)
					r.wantsProtocol(test.then, both...)
					q.wantsQuestions(t, 1)
				})
			})
		}
	}
	t.Run("at once, if it answers HTTP/2 with something else", func(t *testing.T) {
		through(t, Route{Protocol: H2C}, Config{}, func(r *rig) {
			var questions atomic.Int64
			terminator := tlsterm.New(tlsterm.Config{
				TLS:      serverTLS(),
				AskHTTP2: func([]byte) (yes, asked bool) { questions.Add(1); return true, true },
				Go:       func(f func()) { go f() },
			})
			wantsQuestions := func(want int64, when string) {
				t.Helper()
				if !terminator.SpeaksHTTP2(nil) || questions.Load() != want {
					t.Errorf("%s the app was asked %d times, want %d", when, questions.Load(), want)
				}
			}
			wantsQuestions(1, "before")
			wantsQuestions(1, "while the answer holds")
			client, app := r.connect()
			only(r.server).route.tls = terminator
			client.send(h2.Preface + settings)
			app.wants(h2.Preface + settings)
			app.send(speaksHTTP1)
			synctest.Wait()
			wantsQuestions(2, "after something else")
			client.resets()
		})
	})
}

func TestAnAnswerHoldsForLongerEachTimeThatItIsConfirmed(t *testing.T) {
	onQuestionedRoute(t, speaksHTTP1, 0, func(r *rig, q *questioned) {
		for _, seconds := range []int{5, 10, 20, 40, 60, 60} {
			r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
			q.wantsQuestions(t, 1)
			time.Sleep(time.Duration(seconds)*time.Second - 1)
			r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
			q.wantsQuestions(t, 0)
			time.Sleep(1)
		}
		r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
		q.wantsQuestions(t, 1)
	})
}

func TestASilentAppDoesNotDelayEveryClient(t *testing.T) {
	onQuestionedRoute(t, "", 0, func(r *rig, q *questioned) {
		r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
		time.Sleep(questionTimeout)
		q.wantsQuestions(t, 1)
		start := time.Now()
		r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
		if took := time.Since(start); took > 0 {
			t.Errorf("a client waited %v for an app that did not answer the previous question", took)
		}
		q.wantsQuestions(t, 0)
	})
}

func TestClosingDoesNotWaitForTheAnswerToAQuestion(t *testing.T) {
	onQuestionedRoute(t, "", 0, func(r *rig, q *questioned) {
		r.wantsProtocol(tlsterm.ALPNHTTP1, both...)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		r.server.Close(ctx)
		if took := time.Since(start); took > cutTimeout {
			t.Errorf("Close took %v", took)
		}
	})
}

func TestAnAppsOwnProtocolIsNegotiatedThroughToIt(t *testing.T) {
	overTLS(t, Route{AppTLS: true}, Config{}, func(r *rig) {
		config := serverTLS()
		config.NextProtos = []string{"mqtt"}
		apps := r.appTLS(config)
		client := r.secureClient("x-other", "mqtt")
		app := <-apps
		for side, p := range map[string]*tlsPeer{"client": client, "app": app} {
			if got := p.ConnectionState().NegotiatedProtocol; got != "mqtt" {
				t.Errorf("the %s speaks %q, want mqtt", side, got)
			}
		}
		client.send("\x10\x0c")
		app.wants("\x10\x0c")
		_, _ = client.Close(), app.Close()
	})
}

func TestAResumedSessionMayOfferAnotherProtocol(t *testing.T) {
	overTLS(t, Route{}, Config{}, func(r *rig) {
		sessions := tls.NewLRUClientSessionCache(1)
		for i, p := range []string{"mqtt", "mqtt", tlsterm.ALPNHTTP1} {
			config := &tls.Config{ServerName: "app.example", NextProtos: []string{p}, ClientSessionCache: sessions}
			client := secureClient(t, r.client("192.0.2.1").conn, config)
			app := r.app
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			peer := app()
			peer.send("x") // with TLS 1.3, the ticket arrives before it
			client.wants("x")
			if got := client.ConnectionState(); got.NegotiatedProtocol != p || got.DidResume != (i > 0) {
				t.Errorf("handshake %d: %q, resumed %v; want %q, %v", i, got.NegotiatedProtocol, got.DidResume, p, i > 0)
			}
			_ = client.Close()
			peer.closes()
		}
	})
}
