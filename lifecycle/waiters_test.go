package lifecycle

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHold(t *testing.T) {
	t.Run("alone is released after the hook window, and the phase is Serving", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			hook := s.hook()
			time.Sleep(5*time.Second - 1)
			if !waits(hook) {
				t.Error("the hook was answered before the window was over")
			}
			time.Sleep(1)
			if waits(hook) {
				t.Error("the hook still waits after the window")
			}
			time.Sleep(time.Hour)
			s.wantsPhase(Serving)
		})
	})
	t.Run("called before the drain waits for its end", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			hook := s.hook()
			time.Sleep(time.Second)
			s.RequestDrain(false)
			time.Sleep(5*time.Second - 1)
			if !waits(hook) {
				t.Error("the app was released before the end of the hold")
			}
			time.Sleep(1)
			if waits(hook) {
				t.Error("the app was not released at the end of the hold")
			}
		})
	})
	t.Run("called twice in a drain waits twice", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			s.RequestDrain(false)
			first, second := s.hook(), s.hook()
			if !waits(first) || !waits(second) {
				t.Error("a hook does not wait")
			}
			time.Sleep(5 * time.Second)
			if waits(first) || waits(second) {
				t.Error("a hook still waits")
			}
			if waits(s.hook()) {
				t.Error("a hook still waits after the end of the hold")
			}
		})
	})
	t.Run("has no time limit", func(t *testing.T) {
		config := testConfig
		config.Hold.Max, config.Grace = 24*time.Hour, 25*time.Hour
		onStage(t, config, external, func(s *stage) {
			s.relay.busy(1)
			s.RequestDrain(false)
			hook := s.hook()
			time.Sleep(23 * time.Hour)
			if !waits(hook) {
				t.Error("the app was released during the hold")
			}
		})
	})
	t.Run("never answers because it is busy", func(t *testing.T) {
		onStage(t, testConfig, external, func(s *stage) {
			var hooks []<-chan string
			for range 1024 { // as documented
				hooks = append(hooks, s.hook())
			}
			s.RequestDrain(false)
			s.wantsPhase(Draining)
			hooks = append(hooks, s.hook())
			time.Sleep(5*time.Second - 1)
			for i, hook := range hooks {
				if !waits(hook) {
					t.Fatalf("caller %d of %d does not wait", i, len(hooks))
				}
			}
		})
	})
}

func TestDrainAndWait(t *testing.T) {
	onStage(t, testConfig, external, func(s *stage) {
		answered := make(chan string, 1)
		go func() {
			w := httptest.NewRecorder()
			s.Control().ServeHTTP(w, controlRequest("POST", "/drain?wait").WithContext(s.t.Context()))
			answered <- w.Body.String()
		}()
		time.Sleep(5*time.Second - 1)
		if !waits(answered) {
			t.Error("answered before the end of the hold")
		}
		time.Sleep(1)
		synctest.Wait()
		if got := <-answered; !strings.Contains(got, `"phase":"drained"`) {
			t.Errorf("answered %q, want the phase drained", got)
		}
	})
}
