package lifecycle

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatBeginsADrain(t *testing.T) {
	for name, open := range map[string]func(*stage){
		"the stop signal": func(s *stage) { s.events <- StopSignal },
		"an interrupt":    func(s *stage) { s.events <- Interrupt },
		"a drain request": func(s *stage) { s.RequestDrain(false) },
		"POST /drain": func(s *stage) {
			s.Control().ServeHTTP(httptest.NewRecorder(), controlRequest("POST", "/drain"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, testConfig, external, func(s *stage) {
				time.Sleep(time.Hour)
				s.wantsPhase(Serving)
				open(s)
				s.wantsPhase(Draining)
				if !s.relay.did("drain") {
					t.Error("the relay does not drain")
				}
			})
		})
	}
}

func TestTheEndOfTheHold(t *testing.T) {
	t.Run("is at Min without traffic", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.RequestDrain(false)
			time.Sleep(5*time.Second - 1)
			s.wantsPhase(Draining)
			if s.relay.did("close idle") {
				t.Error("idle connections were closed before the end of the hold")
			}
			time.Sleep(1)
			s.wantsPhase(Drained)
			if !s.relay.did("close idle") {
				t.Error("idle connections were not closed at the end of the hold")
			}
		})
	})
	t.Run("is later if requests arrive", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.silentAt = time.Now().Add(20 * time.Second)
			s.RequestDrain(false)
			time.Sleep(19 * time.Second)
			s.relay.busy(1)
			time.Sleep(20 * time.Second)
			s.wantsPhase(Draining)
			s.relay.mu.Lock()
			s.relay.inFlight, s.relay.silentAt = 0, time.Now().Add(5*time.Second)
			s.relay.mu.Unlock()
			time.Sleep(5*time.Second + 1)
			s.wantsPhase(Drained)
		})
	})
	t.Run("is at Max, and exchanges in flight are cut and reported", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(3)
			s.RequestDrain(false)
			time.Sleep(60*time.Second - 1)
			s.wantsPhase(Draining)
			time.Sleep(1)
			s.wantsPhase(Drained)
			if summary := s.Summary(); summary.End != EndedMax || summary.CutExchanges != 3 || summary.CutConnections != 3 {
				t.Errorf("summary %+v, want 3 exchanges cut at Max", summary)
			}
		})
	})
	t.Run("is not brought forward by further stop signals", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			for range 5 {
				s.events <- StopSignal
				time.Sleep(time.Second)
			}
			time.Sleep(30 * time.Second)
			s.wantsPhase(Draining)
		})
	})
	t.Run("is at once on the second interrupt", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(2)
			s.events <- Interrupt
			time.Sleep(time.Second)
			s.wantsPhase(Draining)
			s.events <- Interrupt
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedInterrupted || summary.CutExchanges != 2 {
				t.Errorf("summary %+v, want interrupted and 2 exchanges cut", summary)
			}
		})
	})
	t.Run("is not on the first interrupt if something else began the drain", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			s.RequestDrain(false)
			time.Sleep(time.Second)
			s.events <- Interrupt
			s.wantsPhase(Draining)
			s.events <- Interrupt
			s.wantsEnd()
		})
	})
	t.Run("is at once when the app has exited, and new connections are refused", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			s.events <- StopSignal
			time.Sleep(time.Second)
			close(s.app.exited)
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedAppGone {
				t.Errorf("summary %+v, want the app gone", summary)
			}
			if !s.relay.did("app ended") {
				t.Error("connections are still accepted")
			}
		})
	})
	t.Run("reports the silence that was waited for", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.silentAt, s.relay.required = time.Now().Add(30*time.Second), 30*time.Second
			s.events <- StopSignal
			time.Sleep(29 * time.Second)
			s.relay.mu.Lock()
			s.relay.required = 10 * time.Second
			s.relay.mu.Unlock()
			time.Sleep(2 * time.Second)
			s.wantsEnd()
			if summary := s.Summary(); summary.Required != 30*time.Second {
				t.Errorf("summary %+v, want a required silence of 30s", summary)
			}
		})
	})
	t.Run("is not while a client is still receiving", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.undelivered = 5 // checked at once, after Min, and twice more, Quiet apart
			s.events <- StopSignal
			time.Sleep(19 * time.Second)
			s.wantsPhase(Draining)
			time.Sleep(2 * time.Second)
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedQuiet {
				t.Errorf("summary %+v, want quiet", summary)
			}
		})
	})
	t.Run("is soon after the stop signal of a native sidecar, at the end of its grace period", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.hook()
			s.relay.busy(2)
			s.RequestDrain(true)
			time.Sleep(10 * time.Second)
			s.wantsPhase(Draining)
			s.events <- StopSignal
			time.Sleep(lastMoment)
			s.wantsEnd() // without waiting for the app
			if summary := s.Summary(); summary.End != EndedStopSignal || summary.CutExchanges != 2 {
				t.Errorf("summary %+v, want the stop signal and 2 exchanges cut", summary)
			}
			if s.logs.FilterMessageSnippet("the stop signal has ended the hold").Len() != 1 {
				t.Error("the warning that the app still runs was not logged once")
			}
		})
	})
	t.Run("is that of the app if it has exited when a native sidecar gets its stop signal", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			s.RequestDrain(true)
			time.Sleep(10 * time.Second)
			s.app.mu.Lock()
			s.app.exits = true // which is noticed when it is looked for
			s.app.mu.Unlock()
			s.wantsPhase(Draining)
			s.events <- StopSignal
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedAppGone {
				t.Errorf("summary %+v, want the app gone", summary)
			}
		})
	})
	t.Run("is unchanged by a native sidecar's stop signal if the app has exited and a fallback serves", func(t *testing.T) {
		for name, signalFirst := range map[string]bool{"signal first": true, "app first": false} {
			t.Run(name, func(t *testing.T) {
				onStage(t, testConfig, external, func(s *stage) {
					s.relay.fallback = true
					s.relay.busy(1)
					s.RequestDrain(true)
					time.Sleep(time.Second)
					if signalFirst {
						s.events <- StopSignal
						time.Sleep(100 * time.Millisecond)
						close(s.app.exited)
					} else {
						close(s.app.exited)
						time.Sleep(100 * time.Millisecond)
						s.events <- StopSignal
					}
					time.Sleep(30 * time.Second)
					s.wantsPhase(Draining)
					s.relay.busy(0)
					time.Sleep(10 * time.Second)
					s.wantsEnd()
				})
			})
		}
	})
	t.Run("is with quiet if the app has exited and a fallback serves", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.fallback = true
			s.relay.busy(1)
			s.events <- StopSignal
			time.Sleep(time.Second)
			if !s.Ready() {
				t.Error("not ready although the app runs")
			}
			close(s.app.exited)
			time.Sleep(time.Second)
			s.wantsPhase(Draining)
			if s.Ready() {
				t.Error("ready without an app: a Service without other pods would route to this one")
			}
			s.relay.busy(0)
			time.Sleep(10 * time.Second)
			s.wantsEnd()
			if summary := s.Summary(); summary.End != EndedQuiet {
				t.Errorf("summary %+v, want quiet", summary)
			}
		})
	})
}

func TestAfterTheHold(t *testing.T) {
	t.Run("a plain container serves until the app that its hook has held exits", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.hook()
			s.events <- StopSignal
			time.Sleep(10 * time.Second)
			s.wantsPhase(Drained)
			close(s.app.exited)
			s.wantsEnd()
		})
	})
	t.Run("a native sidecar serves on until its stop signal", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.RequestDrain(false)
			time.Sleep(30 * time.Second)
			s.wantsPhase(Drained)
			s.events <- StopSignal
			s.wantsEnd()
		})
	})
	t.Run("the process exits on a stop signal if no app is held", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.events <- StopSignal
			time.Sleep(5 * time.Second)
			s.wantsEnd()
		})
	})
	t.Run("what an app answers that has stopped listening is waited for", func(t *testing.T) {
		answers := map[string]func(*stage){
			"has answered": func(s *stage) { s.relay.answers(0) },
			"has taken so long that the grace period is nearly over": func(*stage) { time.Sleep(49 * time.Second) },
			"gets a signal": func(s *stage) { s.events <- StopSignal },
		}
		for name, end := range answers {
			t.Run("until it "+name, func(t *testing.T) {
				onStage(t, testConfig, external, func(s *stage) {
					s.hook()
					s.events <- StopSignal
					time.Sleep(10 * time.Second)
					s.wantsPhase(Drained)
					s.relay.answers(1)
					close(s.app.exited)
					time.Sleep(10*time.Second - 1)
					s.wantsPhase(Drained)
					if !s.relay.did("app ended") || s.relay.did("close") {
						t.Error("new connections are not refused yet, or the old ones are closed")
					}
					end(s)
					time.Sleep(answersPause)
					s.wantsEnd()
				})
			})
		}
	})
	t.Run("what an app answers that stops listening within the hold is waited for", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.relay.busy(1)
			s.relay.answers(1)
			s.RequestDrain(false)
			time.Sleep(time.Second)
			close(s.app.exited)
			time.Sleep(30 * time.Second)
			s.wantsPhase(Drained)
			s.relay.answers(0)
			time.Sleep(answersPause)
			s.wantsEnd()
		})
	})
	t.Run("the summary is written before the grace period ends", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.hook()
			s.events <- StopSignal
			time.Sleep(69*time.Second - 1)
			s.wantsPhase(Drained)
			time.Sleep(1)
			s.wantsEnd()
		})
	})
	t.Run("a child gets its stop signal, again with every further one, and its end is ours", func(t *testing.T) {
		onStage(t, testConfig, child, func(s *stage) {
			s.events <- StopSignal
			time.Sleep(5*time.Second - 1)
			if n := s.app.stopped(); n != 0 {
				t.Error("the child was stopped before the end of the hold")
			}
			time.Sleep(1)
			s.wantsPhase(Drained)
			s.events <- StopSignal
			time.Sleep(time.Hour)
			s.wantsPhase(Drained)
			if n := s.app.stopped(); n != 2 {
				t.Errorf("the child was stopped %d times, want 2: at the end of the hold and on the signal after it", n)
			}
			close(s.app.exited)
			s.wantsEnd()
		})
	})
}

func TestAChild(t *testing.T) {
	t.Run("that ends by itself ends us", func(t *testing.T) {
		onStage(t, testConfig, child, func(s *stage) {
			close(s.app.exited)
			s.wantsEnd()
			if n := s.logs.FilterMessage("stopped").Len(); n != 0 {
				t.Error("a summary was written without a drain")
			}
		})
	})
	t.Run("that exits in the hold may have got a stop signal from another process", func(t *testing.T) {
		for name, want := range map[string]int{"of itself": 1, "by an interrupt": 0, "after the hold": 0} {
			onStage(t, testConfig, child, func(s *stage) {
				s.events <- StopSignal
				switch time.Sleep(time.Second); name {
				case "by an interrupt":
					s.events <- Interrupt
				case "after the hold":
					time.Sleep(10 * time.Second)
				}
				synctest.Wait()
				close(s.app.exited)
				s.wantsEnd()
				if n := s.logs.FilterMessageSnippet("KillMode=mixed").Len(); n != want {
					t.Errorf("exit %s: %d warnings, want %d", name, n, want)
				}
			})
		}
	})
	t.Run("has interrupts for itself while Serving", func(t *testing.T) {
		onStage(t, testConfig, child, func(s *stage) {
			for range 3 {
				s.events <- Interrupt
				time.Sleep(time.Second)
			}
			s.wantsPhase(Serving)
		})
	})
}
